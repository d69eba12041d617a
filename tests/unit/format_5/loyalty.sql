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
INSERT INTO "audited_accounts" VALUES('user_789',20000,'');
CREATE TABLE audits (
	"row" INTEGER NOT NULL, 
	audit_id TEXT, 
	writes INTEGER NOT NULL, 
	progress TEXT NOT NULL, 
	PRIMARY KEY ("row")
);
INSERT INTO "audits" VALUES(1,'ee1add0e8cc7487eb442199e8d116b29',2,'{"scope":"the tests","listed_until":null,"succeeded":1,"rolled_back":2,"operations":{"applied":1,"refused":0,"reversed":1},"moved":{"apply":20000},"last_entry":3}');
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
INSERT INTO "fence" VALUES('order_saga_order_stands/00000000-0000-4000-8000-000000000001/award_loyalty_points','order_saga_order_stands','00000000-0000-4000-8000-000000000001','award_loyalty_points','order_stands','applied','{"idempotency_key":"order_saga_order_stands/00000000-0000-4000-8000-000000000001/award_loyalty_points","order_id":"order_stands","points":"2.0000","user_id":"user_789"}','{"award_id":"award_17ded1e3319c4e3db15f640478e0ddad","points_awarded":"2.0000"}',NULL,'2026-11-25T06:20:40.487+00:00','2026-11-25T06:20:40.489+00:00',NULL,1795587640,0,'applied');
INSERT INTO "fence" VALUES('order_saga_order_kept_out/00000000-0000-4000-8000-000000000003/award_loyalty_points','order_saga_order_kept_out','00000000-0000-4000-8000-000000000003','award_loyalty_points','order_kept_out','reversed','{"idempotency_key":"order_saga_order_kept_out/00000000-0000-4000-8000-000000000003/award_loyalty_points","order_id":"order_kept_out","points":"2.0000","user_id":"user_789"}',NULL,'{"had_effect":false}','2026-11-25T06:20:40.511+00:00','2026-11-25T06:20:40.512+00:00',NULL,0,0,'reversed');
INSERT INTO "fence" VALUES('order_saga_order_twice/00000000-0000-4000-8000-000000000005/award_loyalty_points','order_saga_order_twice','00000000-0000-4000-8000-000000000005','award_loyalty_points','order_twice','applied','{"idempotency_key":"order_saga_order_twice/00000000-0000-4000-8000-000000000005/award_loyalty_points","order_id":"order_twice","points":"2.0000","user_id":"user_789"}','{"award_id":"award_251c8f682bd043b8834eeef15833e731","points_awarded":"2.0000"}',NULL,'2026-11-25T06:20:40.523+00:00','2026-11-25T06:20:40.524+00:00',NULL,0,0,'doubted');
INSERT INTO "fence" VALUES('order_saga_order_twice/00000000-0000-4000-8000-000000000006/award_loyalty_points','order_saga_order_twice','00000000-0000-4000-8000-000000000006','award_loyalty_points','order_twice','applied','{"idempotency_key":"order_saga_order_twice/00000000-0000-4000-8000-000000000006/award_loyalty_points","order_id":"order_twice","points":"2.0000","user_id":"user_789"}','{"award_id":"award_3674f44b757f46d1b84dc0d24fa171f7","points_awarded":"2.0000"}',NULL,'2026-11-25T06:20:40.529+00:00','2026-11-25T06:20:40.530+00:00',NULL,0,1,'doubted');
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
INSERT INTO "journal" VALUES(1,'order_saga_order_stands/00000000-0000-4000-8000-000000000001/award_loyalty_points','apply','user_789',20000,'award_17ded1e3319c4e3db15f640478e0ddad','2026-11-25T06:20:40.488+00:00','');
INSERT INTO "journal" VALUES(2,'order_saga_order_twice/00000000-0000-4000-8000-000000000005/award_loyalty_points','apply','user_789',20000,'award_251c8f682bd043b8834eeef15833e731','2026-11-25T06:20:40.524+00:00','');
INSERT INTO "journal" VALUES(3,'order_saga_order_twice/00000000-0000-4000-8000-000000000006/award_loyalty_points','apply','user_789',20000,'award_3674f44b757f46d1b84dc0d24fa171f7','2026-11-25T06:20:40.530+00:00','');
CREATE TABLE ledger (
	service TEXT NOT NULL, 
	version INTEGER, created_at TEXT, cluster_id TEXT, namespace_id TEXT, serves_since TEXT, continuous_since TEXT, seen_at TEXT, closed INTEGER NOT NULL DEFAULT 0, notes INTEGER NOT NULL DEFAULT 0, missing_since TEXT, 
	PRIMARY KEY (service)
);
INSERT INTO "ledger" VALUES('loyalty',5,'2026-11-25T06:20:40.487+00:00',NULL,NULL,NULL,'2026-11-27T16:17:02.619+00:00','2026-11-27T16:17:02.621+00:00',1,3,'2026-11-27T05:23:26.925+00:00');
CREATE TABLE ledger_moves (
	at TEXT NOT NULL, 
	operator TEXT NOT NULL, 
	note TEXT NOT NULL, 
	cluster_id TEXT NOT NULL, 
	namespace_id TEXT NOT NULL
);
CREATE TABLE "points" (
	user_id TEXT NOT NULL, 
	closed BOOLEAN NOT NULL, 
	opening BIGINT NOT NULL, 
	balance BIGINT NOT NULL, 
	currency TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT points_pkey PRIMARY KEY (user_id, currency)
);
INSERT INTO "points" VALUES('user_closed',1,0,0,'');
INSERT INTO "points" VALUES('user_789',0,0,60000,'');
CREATE INDEX fence_run ON fence (run_id);
CREATE UNIQUE INDEX journal_once ON journal ("key", kind, account);
CREATE INDEX fence_order ON fence (order_id);
CREATE UNIQUE INDEX fence_standing ON fence (order_id, step, twin) WHERE state = 'applied';
CREATE INDEX fence_unsealed ON fence (run_id) WHERE state = 'applied' AND sealed = 0;
CREATE INDEX fence_sealed ON fence (sealed) WHERE sealed > 0;
CREATE INDEX fence_unaudited ON fence (run_id) WHERE audited <> state OR settlement IS NOT NULL;
COMMIT;
