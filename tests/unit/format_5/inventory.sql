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
INSERT INTO "audited_accounts" VALUES('item_1',-2,'');
INSERT INTO "audited_accounts" VALUES('item_2',-1,'');
CREATE TABLE audits (
	"row" INTEGER NOT NULL, 
	audit_id TEXT, 
	writes INTEGER NOT NULL, 
	progress TEXT NOT NULL, 
	PRIMARY KEY ("row")
);
INSERT INTO "audits" VALUES(1,'ee1add0e8cc7487eb442199e8d116b29',2,'{"scope":"the tests","listed_until":null,"succeeded":1,"rolled_back":2,"operations":{"applied":1,"refused":0,"reversed":2},"moved":{"apply":-6,"reverse":3},"last_entry":12}');
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
INSERT INTO "fence" VALUES('order_saga_order_stands/00000000-0000-4000-8000-000000000001/reserve_inventory','order_saga_order_stands','00000000-0000-4000-8000-000000000001','reserve_inventory','order_stands','applied','{"idempotency_key":"order_saga_order_stands/00000000-0000-4000-8000-000000000001/reserve_inventory","items":[{"id":"item_1","price":"50.00","quantity":2},{"id":"item_2","price":"100.00","quantity":1}],"order_id":"order_stands"}','{"reservation_id":"res_ad0f11fdd0964f9992551e51ab32c161"}',NULL,'2026-11-25T06:20:40.475+00:00','2026-11-25T06:20:40.479+00:00',NULL,1795587640,0,'applied');
INSERT INTO "fence" VALUES('order_saga_order_undone/00000000-0000-4000-8000-000000000002/reserve_inventory','order_saga_order_undone','00000000-0000-4000-8000-000000000002','reserve_inventory','order_undone','reversed','{"idempotency_key":"order_saga_order_undone/00000000-0000-4000-8000-000000000002/reserve_inventory","items":[{"id":"item_1","price":"50.00","quantity":2},{"id":"item_2","price":"100.00","quantity":1}],"order_id":"order_undone"}','{"reservation_id":"res_9f444077f44c4936b8197d944dae4a12"}','{"had_effect":true}','2026-11-25T06:20:40.490+00:00','2026-11-25T06:20:40.505+00:00',NULL,0,0,'reversed');
INSERT INTO "fence" VALUES('order_saga_order_kept_out/00000000-0000-4000-8000-000000000003/reserve_inventory','order_saga_order_kept_out','00000000-0000-4000-8000-000000000003','reserve_inventory','order_kept_out','reversed','{"idempotency_key":"order_saga_order_kept_out/00000000-0000-4000-8000-000000000003/reserve_inventory","items":[{"id":"item_1","price":"50.00","quantity":2},{"id":"item_2","price":"100.00","quantity":1}],"order_id":"order_kept_out"}',NULL,'{"had_effect":false}','2026-11-25T06:20:40.506+00:00','2026-11-25T06:20:40.507+00:00',NULL,0,0,'reversed');
INSERT INTO "fence" VALUES('order_saga_order_half/00000000-0000-4000-8000-000000000004/reserve_inventory','order_saga_order_half','00000000-0000-4000-8000-000000000004','reserve_inventory','order_half','applied','{"idempotency_key":"order_saga_order_half/00000000-0000-4000-8000-000000000004/reserve_inventory","items":[{"id":"item_1","price":"50.00","quantity":2},{"id":"item_2","price":"100.00","quantity":1}],"order_id":"order_half"}','{"reservation_id":"res_293034d838cc4a0ba011a5447e9a8dec"}',NULL,'2026-11-25T06:20:40.513+00:00','2026-11-25T06:20:40.515+00:00',NULL,0,0,'');
INSERT INTO "fence" VALUES('order_saga_order_twice/00000000-0000-4000-8000-000000000005/reserve_inventory','order_saga_order_twice','00000000-0000-4000-8000-000000000005','reserve_inventory','order_twice','applied','{"idempotency_key":"order_saga_order_twice/00000000-0000-4000-8000-000000000005/reserve_inventory","items":[{"id":"item_1","price":"50.00","quantity":2},{"id":"item_2","price":"100.00","quantity":1}],"order_id":"order_twice"}','{"reservation_id":"res_af72dd6398ff4a24a983d218914fb70f"}',NULL,'2026-11-25T06:20:40.518+00:00','2026-11-25T06:20:40.519+00:00',NULL,0,0,'doubted');
INSERT INTO "fence" VALUES('order_saga_order_twice/00000000-0000-4000-8000-000000000006/reserve_inventory','order_saga_order_twice','00000000-0000-4000-8000-000000000006','reserve_inventory','order_twice','applied','{"idempotency_key":"order_saga_order_twice/00000000-0000-4000-8000-000000000006/reserve_inventory","items":[{"id":"item_1","price":"50.00","quantity":2},{"id":"item_2","price":"100.00","quantity":1}],"order_id":"order_twice"}','{"reservation_id":"res_add40f67686d411a950e792ccf05f10b"}',NULL,'2026-11-25T06:20:40.524+00:00','2026-11-25T06:20:40.526+00:00',NULL,0,1,'doubted');
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
INSERT INTO "journal" VALUES(1,'order_saga_order_stands/00000000-0000-4000-8000-000000000001/reserve_inventory','apply','item_1',-2,'res_ad0f11fdd0964f9992551e51ab32c161','2026-11-25T06:20:40.478+00:00','');
INSERT INTO "journal" VALUES(2,'order_saga_order_stands/00000000-0000-4000-8000-000000000001/reserve_inventory','apply','item_2',-1,'res_ad0f11fdd0964f9992551e51ab32c161','2026-11-25T06:20:40.478+00:00','');
INSERT INTO "journal" VALUES(3,'order_saga_order_undone/00000000-0000-4000-8000-000000000002/reserve_inventory','apply','item_1',-2,'res_9f444077f44c4936b8197d944dae4a12','2026-11-25T06:20:40.492+00:00','');
INSERT INTO "journal" VALUES(4,'order_saga_order_undone/00000000-0000-4000-8000-000000000002/reserve_inventory','apply','item_2',-1,'res_9f444077f44c4936b8197d944dae4a12','2026-11-25T06:20:40.492+00:00','');
INSERT INTO "journal" VALUES(5,'order_saga_order_undone/00000000-0000-4000-8000-000000000002/reserve_inventory','reverse','item_1',2,'res_9f444077f44c4936b8197d944dae4a12','2026-11-25T06:20:40.504+00:00','');
INSERT INTO "journal" VALUES(6,'order_saga_order_undone/00000000-0000-4000-8000-000000000002/reserve_inventory','reverse','item_2',1,'res_9f444077f44c4936b8197d944dae4a12','2026-11-25T06:20:40.504+00:00','');
INSERT INTO "journal" VALUES(7,'order_saga_order_half/00000000-0000-4000-8000-000000000004/reserve_inventory','apply','item_1',-2,'res_293034d838cc4a0ba011a5447e9a8dec','2026-11-25T06:20:40.515+00:00','');
INSERT INTO "journal" VALUES(8,'order_saga_order_half/00000000-0000-4000-8000-000000000004/reserve_inventory','apply','item_2',-1,'res_293034d838cc4a0ba011a5447e9a8dec','2026-11-25T06:20:40.515+00:00','');
INSERT INTO "journal" VALUES(9,'order_saga_order_twice/00000000-0000-4000-8000-000000000005/reserve_inventory','apply','item_1',-2,'res_af72dd6398ff4a24a983d218914fb70f','2026-11-25T06:20:40.519+00:00','');
INSERT INTO "journal" VALUES(10,'order_saga_order_twice/00000000-0000-4000-8000-000000000005/reserve_inventory','apply','item_2',-1,'res_af72dd6398ff4a24a983d218914fb70f','2026-11-25T06:20:40.519+00:00','');
INSERT INTO "journal" VALUES(11,'order_saga_order_twice/00000000-0000-4000-8000-000000000006/reserve_inventory','apply','item_1',-2,'res_add40f67686d411a950e792ccf05f10b','2026-11-25T06:20:40.525+00:00','');
INSERT INTO "journal" VALUES(12,'order_saga_order_twice/00000000-0000-4000-8000-000000000006/reserve_inventory','apply','item_2',-1,'res_add40f67686d411a950e792ccf05f10b','2026-11-25T06:20:40.525+00:00','');
CREATE TABLE ledger (
	service TEXT NOT NULL, 
	version INTEGER, created_at TEXT, cluster_id TEXT, namespace_id TEXT, serves_since TEXT, continuous_since TEXT, seen_at TEXT, closed INTEGER NOT NULL DEFAULT 0, notes INTEGER NOT NULL DEFAULT 0, missing_since TEXT, 
	PRIMARY KEY (service)
);
INSERT INTO "ledger" VALUES('inventory',5,'2026-11-25T06:20:40.475+00:00',NULL,NULL,NULL,'2026-11-27T16:17:02.569+00:00','2026-11-27T16:17:02.625+00:00',1,3,'2026-11-27T05:23:26.248+00:00');
CREATE TABLE ledger_moves (
	at TEXT NOT NULL, 
	operator TEXT NOT NULL, 
	note TEXT NOT NULL, 
	cluster_id TEXT NOT NULL, 
	namespace_id TEXT NOT NULL
);
CREATE TABLE stock (
	item TEXT NOT NULL, 
	opening BIGINT NOT NULL, 
	on_hand BIGINT NOT NULL CHECK (on_hand >= 0), 
	PRIMARY KEY (item)
);
INSERT INTO "stock" VALUES('item_1',1000000,999992);
INSERT INTO "stock" VALUES('item_2',1000000,999996);
INSERT INTO "stock" VALUES('item_3',1000000,1000000);
INSERT INTO "stock" VALUES('item_4',1000000,1000000);
INSERT INTO "stock" VALUES('item_5',1000000,1000000);
INSERT INTO "stock" VALUES('item_6',1000000,1000000);
INSERT INTO "stock" VALUES('item_7',1000000,1000000);
INSERT INTO "stock" VALUES('item_8',1000000,1000000);
INSERT INTO "stock" VALUES('item_9',1000000,1000000);
INSERT INTO "stock" VALUES('item_10',1000000,1000000);
INSERT INTO "stock" VALUES('item_11',1000000,1000000);
INSERT INTO "stock" VALUES('item_12',1000000,1000000);
INSERT INTO "stock" VALUES('item_13',1000000,1000000);
INSERT INTO "stock" VALUES('item_14',1000000,1000000);
INSERT INTO "stock" VALUES('item_15',1000000,1000000);
INSERT INTO "stock" VALUES('item_16',1000000,1000000);
INSERT INTO "stock" VALUES('item_17',1000000,1000000);
INSERT INTO "stock" VALUES('item_18',1000000,1000000);
INSERT INTO "stock" VALUES('item_19',1000000,1000000);
INSERT INTO "stock" VALUES('item_20',1000000,1000000);
INSERT INTO "stock" VALUES('item_scarce',3,3);
INSERT INTO "stock" VALUES('item_sold_out',0,0);
CREATE INDEX fence_run ON fence (run_id);
CREATE UNIQUE INDEX journal_once ON journal ("key", kind, account);
CREATE INDEX fence_order ON fence (order_id);
CREATE UNIQUE INDEX fence_standing ON fence (order_id, step, twin) WHERE state = 'applied';
CREATE INDEX fence_unsealed ON fence (run_id) WHERE state = 'applied' AND sealed = 0;
CREATE INDEX fence_sealed ON fence (sealed) WHERE sealed > 0;
CREATE INDEX fence_unaudited ON fence (run_id) WHERE audited <> state OR settlement IS NOT NULL;
COMMIT;
