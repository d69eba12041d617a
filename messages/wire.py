"""Names on the wire, which clients, workers of all versions, and recorded histories share.

Each name is written here and nowhere else. None may change, because open runs depend on it.
"""

from __future__ import annotations

#: Workflow types.
ORDER_SAGA = "OrderSaga"
ORDER_CHOREOGRAPHY = "OrderChoreography"
EVENT_DELIVERY = "EventDelivery"
RECONCILE_ORDERS = "ReconcileOrders"
UNDO_LEFTOVER = "UndoLeftover"
#: Workflow types whose runs are sagas. An idempotency key begins with their workflow id and
#: first run id.
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

#: Signals.
RECEIVE_EVENT = "receive_event"  #: to an order: an event
DELIVERY_REPORT = "delivery_report"  #: to an order: the delivery of an event changed its state
LEFTOVER_WAITS = "leftover_waits"  #: to the reconciler: a leftover waits for an operator

#: The search attribute (a Keyword) that a run sets when it stops going forward.
SAGA_STATUS = "SagaStatus"
#: The memo field that has the result of a run that closes as Canceled.
RESULT_MEMO = "result"

#: Types of the failures with which a run closes.
INVALID_INPUT = "InvalidInput"
SAGA_CANCELLED = "SagaCancelled"
SAGA_ROLLED_BACK = "SagaRolledBack"
NOT_RECONCILED = "NotReconciled"

# Patches: a history has the mark if its code behaved as the comment says.
#: An operator's decision is written into the service's ledger.
DECISIONS_IN_THE_LEDGER = "decisions-in-the-ledger"
#: A workflow verifies that a workflow with a delivery's id really is that delivery.
VERIFIED_DELIVERIES = "verified-deliveries"
#: A run that a reset made undoes all steps that its chain may have taken.
UNDO_THE_EARLIER_LIFE = "undo-the-earlier-life"
#: After a reset, each service confirms once more that nothing of its step stands.
ASK_AGAIN_AFTER_A_RESET = "ask-again-after-a-reset"
#: The reconciler ends its search when it has found too many runs that Temporal does not know.
STOPS_AT_MANY = "stops-at-many-gone"
#: A discarded cancellation settles a step only after evidence that the order does not go on.
SETTLES_ON_EVIDENCE = "settles-on-evidence"
#: A run is as old as its id says, also if all that the ledgers know of it is younger.
COUNTS_FROM_THE_START = "counts-from-the-start"
#: The workers start deliveries, by activities. Before, the order and the deliveries started them
#: as child workflows.
LEANER_DELIVERIES = "leaner-deliveries"
