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
INSERT INTO "audited_accounts" VALUES('user_789',-20000,'');
CREATE TABLE audits (
	"row" INTEGER NOT NULL, 
	audit_id TEXT, 
	writes INTEGER NOT NULL, 
	progress TEXT NOT NULL, 
	PRIMARY KEY ("row")
);
INSERT INTO "audits" VALUES(1,'ee1add0e8cc7487eb442199e8d116b29',2,'{"scope":"the tests","listed_until":null,"succeeded":1,"rolled_back":2,"operations":{"applied":1,"refused":0,"reversed":2},"moved":{"apply":-40000,"reverse":20000},"last_entry":6}');
CREATE TABLE "credit" (
	user_id TEXT NOT NULL, 
	opening BIGINT NOT NULL, 
	available BIGINT NOT NULL CHECK (available >= 0), 
	currency TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT credit_pkey PRIMARY KEY (user_id, currency)
);
INSERT INTO "credit" VALUES('user_broke',0,0,'');
INSERT INTO "credit" VALUES('user_limited',10000,10000,'');
INSERT INTO "credit" VALUES('user_789',1000000000,999920000,'');
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
INSERT INTO "fence" VALUES('order_saga_order_stands/00000000-0000-4000-8000-000000000001/process_payment','order_saga_order_stands','00000000-0000-4000-8000-000000000001','process_payment','order_stands','applied','{"amount":"200.00","idempotency_key":"order_saga_order_stands/00000000-0000-4000-8000-000000000001/process_payment","order_id":"order_stands","user_id":"user_789"}','{"transaction_id":"txn_0ce31440d5834d3c990a064f6110b1d3"}',NULL,'2026-11-25T06:20:40.480+00:00','2026-11-25T06:20:40.483+00:00',NULL,1795587640,0,'applied');
INSERT INTO "fence" VALUES('order_saga_order_undone/00000000-0000-4000-8000-000000000002/process_payment','order_saga_order_undone','00000000-0000-4000-8000-000000000002','process_payment','order_undone','reversed','{"amount":"200.00","idempotency_key":"order_saga_order_undone/00000000-0000-4000-8000-000000000002/process_payment","order_id":"order_undone","user_id":"user_789"}','{"transaction_id":"txn_c277c70469f04e3eb4a9a5a08a5789ad"}','{"had_effect":true}','2026-11-25T06:20:40.493+00:00','2026-11-25T06:20:40.501+00:00',NULL,0,0,'reversed');
INSERT INTO "fence" VALUES('order_saga_order_kept_out/00000000-0000-4000-8000-000000000003/process_payment','order_saga_order_kept_out','00000000-0000-4000-8000-000000000003','process_payment','order_kept_out','reversed','{"amount":"200.00","idempotency_key":"order_saga_order_kept_out/00000000-0000-4000-8000-000000000003/process_payment","order_id":"order_kept_out","user_id":"user_789"}',NULL,'{"had_effect":false}','2026-11-25T06:20:40.508+00:00','2026-11-25T06:20:40.509+00:00',NULL,0,0,'reversed');
INSERT INTO "fence" VALUES('order_saga_order_half/00000000-0000-4000-8000-000000000004/process_payment','order_saga_order_half','00000000-0000-4000-8000-000000000004','process_payment','order_half','applied','{"amount":"200.00","idempotency_key":"order_saga_order_half/00000000-0000-4000-8000-000000000004/process_payment","order_id":"order_half","user_id":"user_789"}','{"transaction_id":"txn_29df53f0f8024a32af0e1632268fff1c"}',NULL,'2026-11-25T06:20:40.516+00:00','2026-11-25T06:20:40.517+00:00',NULL,0,0,'');
INSERT INTO "fence" VALUES('order_saga_order_twice/00000000-0000-4000-8000-000000000005/process_payment','order_saga_order_twice','00000000-0000-4000-8000-000000000005','process_payment','order_twice','applied','{"amount":"200.00","idempotency_key":"order_saga_order_twice/00000000-0000-4000-8000-000000000005/process_payment","order_id":"order_twice","user_id":"user_789"}','{"transaction_id":"txn_9540c82d1feb425e85da5a0f1a01e773"}',NULL,'2026-11-25T06:20:40.519+00:00','2026-11-25T06:20:40.521+00:00',NULL,0,0,'doubted');
INSERT INTO "fence" VALUES('order_saga_order_twice/00000000-0000-4000-8000-000000000006/process_payment','order_saga_order_twice','00000000-0000-4000-8000-000000000006','process_payment','order_twice','applied','{"amount":"200.00","idempotency_key":"order_saga_order_twice/00000000-0000-4000-8000-000000000006/process_payment","order_id":"order_twice","user_id":"user_789"}','{"transaction_id":"txn_2af4fc3253ab4dd0ab4b0aaa2a0ffd8a"}',NULL,'2026-11-25T06:20:40.526+00:00','2026-11-25T06:20:40.527+00:00',NULL,0,1,'doubted');
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
INSERT INTO "journal" VALUES(1,'order_saga_order_stands/00000000-0000-4000-8000-000000000001/process_payment','apply','user_789',-20000,'txn_0ce31440d5834d3c990a064f6110b1d3','2026-11-25T06:20:40.482+00:00','');
INSERT INTO "journal" VALUES(2,'order_saga_order_undone/00000000-0000-4000-8000-000000000002/process_payment','apply','user_789',-20000,'txn_c277c70469f04e3eb4a9a5a08a5789ad','2026-11-25T06:20:40.495+00:00','');
INSERT INTO "journal" VALUES(3,'order_saga_order_undone/00000000-0000-4000-8000-000000000002/process_payment','reverse','user_789',20000,'txn_c277c70469f04e3eb4a9a5a08a5789ad','2026-11-25T06:20:40.501+00:00','');
INSERT INTO "journal" VALUES(4,'order_saga_order_half/00000000-0000-4000-8000-000000000004/process_payment','apply','user_789',-20000,'txn_29df53f0f8024a32af0e1632268fff1c','2026-11-25T06:20:40.517+00:00','');
INSERT INTO "journal" VALUES(5,'order_saga_order_twice/00000000-0000-4000-8000-000000000005/process_payment','apply','user_789',-20000,'txn_9540c82d1feb425e85da5a0f1a01e773','2026-11-25T06:20:40.520+00:00','');
INSERT INTO "journal" VALUES(6,'order_saga_order_twice/00000000-0000-4000-8000-000000000006/process_payment','apply','user_789',-20000,'txn_2af4fc3253ab4dd0ab4b0aaa2a0ffd8a','2026-11-25T06:20:40.527+00:00','');
CREATE TABLE ledger (
	service TEXT NOT NULL, 
	version INTEGER, created_at TEXT, cluster_id TEXT, namespace_id TEXT, serves_since TEXT, continuous_since TEXT, seen_at TEXT, closed INTEGER NOT NULL DEFAULT 0, notes INTEGER NOT NULL DEFAULT 0, missing_since TEXT, 
	PRIMARY KEY (service)
);
INSERT INTO "ledger" VALUES('payment',5,'2026-11-25T06:20:40.480+00:00',NULL,NULL,NULL,'2026-11-27T16:17:02.588+00:00','2026-11-27T16:17:02.624+00:00',1,3,'2026-11-27T05:23:26.670+00:00');
CREATE TABLE ledger_moves (
	at TEXT NOT NULL, 
	operator TEXT NOT NULL, 
	note TEXT NOT NULL, 
	cluster_id TEXT NOT NULL, 
	namespace_id TEXT NOT NULL
);
CREATE INDEX fence_run ON fence (run_id);
CREATE UNIQUE INDEX journal_once ON journal ("key", kind, account);
CREATE INDEX fence_order ON fence (order_id);
CREATE UNIQUE INDEX fence_standing ON fence (order_id, step, twin) WHERE state = 'applied';
CREATE INDEX fence_unsealed ON fence (run_id) WHERE state = 'applied' AND sealed = 0;
CREATE INDEX fence_sealed ON fence (sealed) WHERE sealed > 0;
CREATE INDEX fence_unaudited ON fence (run_id) WHERE audited <> state OR settlement IS NOT NULL;
COMMIT;
