"""Names on the wire: what clients, workers of any version, and recorded histories agree on.

Each stands here and nowhere else. None may change: runs that are under way go by it.
"""

from __future__ import annotations

#: Workflow types.
ORDER_SAGA = "OrderSaga"
ORDER_CHOREOGRAPHY = "OrderChoreography"
EVENT_DELIVERY = "EventDelivery"
RECONCILE_ORDERS = "ReconcileOrders"
UNDO_LEFTOVER = "UndoLeftover"
#: Those whose runs are sagas: their id and first run id begin idempotency keys.
SAGA_TYPES = (ORDER_SAGA, ORDER_CHOREOGRAPHY)
WORKFLOW_TYPES = (*SAGA_TYPES, EVENT_DELIVERY, RECONCILE_ORDERS, UNDO_LEFTOVER)

#: Queries.
STATUS = "status"
EVENTS = "events"
REPORT = "report"

#: Updates.
CANCEL_ORDER = "cancel_order"
RESOLVE_COMPENSATION = "resolve_compensation"
RESOLVE_DEAD_LETTER = "resolve_dead_letter"

#: Signals: an event that an order hears, how the delivery of one goes, and that what a run left
#: behind waits for an operator.
RECEIVE_EVENT = "receive_event"
DELIVERY_REPORT = "delivery_report"
LEFTOVER_WAITS = "leftover_waits"

#: The search attribute, a Keyword, that a run sets when it leaves the happy path.
SAGA_STATUS = "SagaStatus"
#: The memo field in which a run that closes as Canceled leaves its result.
RESULT_MEMO = "result"

#: Types of the failures with which a run closes.
INVALID_INPUT = "InvalidInput"
SAGA_CANCELLED = "SagaCancelled"
SAGA_ROLLED_BACK = "SagaRolledBack"
NOT_RECONCILED = "NotReconciled"

# Patches: a history that was begun by code which does so already marks it.
#: An operator's decision goes into the service's ledger.
DECISIONS_IN_THE_LEDGER = "decisions-in-the-ledger"
#: A workflow makes sure of what it finds under a delivery's id.
VERIFIED_DELIVERIES = "verified-deliveries"
#: A run that a reset has made goes back over all that its chain may have done,
UNDO_THE_EARLIER_LIFE = "undo-the-earlier-life"
#: and has each service say again what it has undone.
ASK_AGAIN_AFTER_A_RESET = "ask-again-after-a-reset"
#: The reconciler searches no further when it has found too much for one time.
STOPS_AT_MANY = "stops-at-many-gone"
#: It takes evidence that an order is off before its step is settled.
SETTLES_ON_EVIDENCE = "settles-on-evidence"
