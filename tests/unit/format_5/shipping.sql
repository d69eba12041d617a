BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('format_5');
CREATE TABLE "audited_accounts" (
	account TEXT NOT NULL, 
	amount BIGINT NOT NULL, 
	currency TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT audited_accounts_pkey PRIMARY KEY (account, currency)
);
CREATE TABLE audits (
	"row" INTEGER NOT NULL, 
	audit_id TEXT, 
	writes INTEGER NOT NULL, 
	progress TEXT NOT NULL, 
	PRIMARY KEY ("row")
);
INSERT INTO "audits" VALUES(1,'ee1add0e8cc7487eb442199e8d116b29',2,'{"scope":"the tests","listed_until":null,"succeeded":1,"rolled_back":2,"operations":{"applied":1,"refused":1,"reversed":1},"moved":{"apply":1},"last_entry":3}');
CREATE TABLE fault_calls (
	rule INTEGER NOT NULL, 
	operation TEXT NOT NULL, 
	order_id TEXT NOT NULL, 
	calls INTEGER NOT NULL, 
	PRIMARY KEY (rule, operation, order_id)
);
CREATE TABLE fence (
	"key" TEXT NOT NULL, 
	saga_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	step TEXT NOT NULL, 
	order_id TEXT NOT NULL, 
	state TEXT NOT NULL, 
	request TEXT NOT NULL, 
	answer TEXT, 
	reversal TEXT, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, settlement TEXT, sealed INTEGER NOT NULL DEFAULT 0, twin INTEGER NOT NULL DEFAULT 0, audited TEXT NOT NULL DEFAULT '', 
	PRIMARY KEY ("key")
);
INSERT INTO "fence" VALUES('order_saga_order_stands/00000000-0000-4000-8000-000000000001/prepare_shipping','order_saga_order_stands','00000000-0000-4000-8000-000000000001','prepare_shipping','order_stands','applied','{"address":"123 Main St, City, State","idempotency_key":"order_saga_order_stands/00000000-0000-4000-8000-000000000001/prepare_shipping","order_id":"order_stands","user_id":"user_789"}','{"shipment_id":"ship_20ec6d6ace7a49cea127461a173701e7","tracking_number":"TRACK_20EC6D6ACE7A49CE"}',NULL,'2026-11-25T06:20:40.484+00:00','2026-11-25T06:20:40.486+00:00',NULL,1795587640,0,'applied');
INSERT INTO "fence" VALUES('order_saga_order_undone/00000000-0000-4000-8000-000000000002/prepare_shipping','order_saga_order_undone','00000000-0000-4000-8000-000000000002','prepare_shipping','order_undone','refused','{"address":"1 Ice Rd, Antarctica","idempotency_key":"order_saga_order_undone/00000000-0000-4000-8000-000000000002/prepare_shipping","order_id":"order_undone","user_id":"user_789"}','{"type": "AddressNotServiceable", "message": "no carrier delivers to Antarctica"}',NULL,'2026-11-25T06:20:40.496+00:00','2026-11-25T06:20:40.497+00:00',NULL,0,0,'refused');
INSERT INTO "fence" VALUES('order_saga_order_kept_out/00000000-0000-4000-8000-000000000003/prepare_shipping','order_saga_order_kept_out','00000000-0000-4000-8000-000000000003','prepare_shipping','order_kept_out','reversed','{"address":"123 Main St, City, State","idempotency_key":"order_saga_order_kept_out/00000000-0000-4000-8000-000000000003/prepare_shipping","order_id":"order_kept_out","user_id":"user_789"}',NULL,'{"had_effect":false}','2026-11-25T06:20:40.510+00:00','2026-11-25T06:20:40.510+00:00',NULL,0,0,'reversed');
INSERT INTO "fence" VALUES('order_saga_order_twice/00000000-0000-4000-8000-000000000005/prepare_shipping','order_saga_order_twice','00000000-0000-4000-8000-000000000005','prepare_shipping','order_twice','applied','{"address":"123 Main St, City, State","idempotency_key":"order_saga_order_twice/00000000-0000-4000-8000-000000000005/prepare_shipping","order_id":"order_twice","user_id":"user_789"}','{"shipment_id":"ship_42fa6e28b51e4d6c9e1f89d521622e84","tracking_number":"TRACK_42FA6E28B51E4D6C"}',NULL,'2026-11-25T06:20:40.521+00:00','2026-11-25T06:20:40.522+00:00',NULL,0,0,'doubted');
INSERT INTO "fence" VALUES('order_saga_order_twice/00000000-0000-4000-8000-000000000006/prepare_shipping','order_saga_order_twice','00000000-0000-4000-8000-000000000006','prepare_shipping','order_twice','applied','{"address":"123 Main St, City, State","idempotency_key":"order_saga_order_twice/00000000-0000-4000-8000-000000000006/prepare_shipping","order_id":"order_twice","user_id":"user_789"}','{"shipment_id":"ship_2fd0ea2a475e4429b306ba5605f60e1b","tracking_number":"TRACK_2FD0EA2A475E4429"}',NULL,'2026-11-25T06:20:40.528+00:00','2026-11-25T06:20:40.529+00:00',NULL,0,1,'doubted');
CREATE TABLE journal (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	account TEXT NOT NULL, 
	amount BIGINT NOT NULL, 
	reference TEXT NOT NULL, 
	at TEXT NOT NULL, currency TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "journal" VALUES(1,'order_saga_order_stands/00000000-0000-4000-8000-000000000001/prepare_shipping','apply','ship_20ec6d6ace7a49cea127461a173701e7',1,'ship_20ec6d6ace7a49cea127461a173701e7','2026-11-25T06:20:40.485+00:00','');
INSERT INTO "journal" VALUES(2,'order_saga_order_twice/00000000-0000-4000-8000-000000000005/prepare_shipping','apply','ship_42fa6e28b51e4d6c9e1f89d521622e84',1,'ship_42fa6e28b51e4d6c9e1f89d521622e84','2026-11-25T06:20:40.522+00:00','');
INSERT INTO "journal" VALUES(3,'order_saga_order_twice/00000000-0000-4000-8000-000000000006/prepare_shipping','apply','ship_2fd0ea2a475e4429b306ba5605f60e1b',1,'ship_2fd0ea2a475e4429b306ba5605f60e1b','2026-11-25T06:20:40.529+00:00','');
CREATE TABLE ledger (
	service TEXT NOT NULL, 
	version INTEGER, created_at TEXT, cluster_id TEXT, namespace_id TEXT, serves_since TEXT, continuous_since TEXT, seen_at TEXT, closed INTEGER NOT NULL DEFAULT 0, notes INTEGER NOT NULL DEFAULT 0, missing_since TEXT, 
	PRIMARY KEY (service)
);
INSERT INTO "ledger" VALUES('shipping',5,'2026-11-25T06:20:40.484+00:00',NULL,NULL,NULL,'2026-11-27T16:17:02.603+00:00','2026-11-27T16:17:02.622+00:00',1,3,'2026-11-27T05:23:26.705+00:00');
CREATE TABLE ledger_moves (
	at TEXT NOT NULL, 
	operator TEXT NOT NULL, 
	note TEXT NOT NULL, 
	cluster_id TEXT NOT NULL, 
	namespace_id TEXT NOT NULL
);
CREATE TABLE shipments (
	shipment_id TEXT NOT NULL, 
	tracking_number TEXT NOT NULL, 
	order_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	address TEXT NOT NULL, 
	status TEXT NOT NULL, phone TEXT, 
	PRIMARY KEY (shipment_id), 
	UNIQUE (tracking_number)
);
INSERT INTO "shipments" VALUES('ship_20ec6d6ace7a49cea127461a173701e7','TRACK_20EC6D6ACE7A49CE','order_stands','user_789','123 Main St, City, State','preparing',NULL);
INSERT INTO "shipments" VALUES('ship_42fa6e28b51e4d6c9e1f89d521622e84','TRACK_42FA6E28B51E4D6C','order_twice','user_789','123 Main St, City, State','preparing',NULL);
INSERT INTO "shipments" VALUES('ship_2fd0ea2a475e4429b306ba5605f60e1b','TRACK_2FD0EA2A475E4429','order_twice','user_789','123 Main St, City, State','preparing',NULL);
CREATE TABLE unserved_regions (
	region TEXT NOT NULL, 
	PRIMARY KEY (region)
);
INSERT INTO "unserved_regions" VALUES('Antarctica');
INSERT INTO "unserved_regions" VALUES('Atlantis');
INSERT INTO "unserved_regions" VALUES('Point Nemo');
CREATE INDEX fence_run ON fence (run_id);
CREATE UNIQUE INDEX journal_once ON journal ("key", kind, account);
CREATE INDEX fence_order ON fence (order_id);
CREATE UNIQUE INDEX fence_standing ON fence (order_id, step, twin) WHERE state = 'applied';
CREATE INDEX fence_unsealed ON fence (run_id) WHERE state = 'applied' AND sealed = 0;
CREATE INDEX fence_sealed ON fence (sealed) WHERE sealed > 0;
CREATE INDEX fence_unaudited ON fence (run_id) WHERE audited <> state OR settlement IS NOT NULL;
COMMIT;
