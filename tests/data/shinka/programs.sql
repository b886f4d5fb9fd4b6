BEGIN TRANSACTION;
CREATE TABLE archive (
                program_id TEXT PRIMARY KEY,
                FOREIGN KEY (program_id) REFERENCES programs(id)
                    ON DELETE CASCADE
            );
INSERT INTO "archive" VALUES('first');
INSERT INTO "archive" VALUES('930dae19-dc53-4996-9a9f-0b2389ff9e0c');
INSERT INTO "archive" VALUES('better');
INSERT INTO "archive" VALUES('crossed');
INSERT INTO "archive" VALUES('subscribed');
CREATE TABLE attempt_log (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                generation INTEGER NOT NULL,
                stage TEXT NOT NULL,
                status TEXT NOT NULL,
                details TEXT,
                created_at REAL NOT NULL
            );
CREATE TABLE generation_event_log (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                generation INTEGER NOT NULL,
                status TEXT NOT NULL,
                source_job_id TEXT,
                details TEXT,
                created_at REAL NOT NULL
            );
CREATE TABLE metadata_store (
                key TEXT PRIMARY KEY, value TEXT
            );
INSERT INTO "metadata_store" VALUES('beam_search_parent_id',NULL);
INSERT INTO "metadata_store" VALUES('last_iteration','2');
INSERT INTO "metadata_store" VALUES('best_program_id','crossed');
INSERT INTO "metadata_store" VALUES('best_score_generation','2');
INSERT INTO "metadata_store" VALUES('best_score_ever','0.75');
CREATE TABLE programs (
                id TEXT PRIMARY KEY,
                code TEXT NOT NULL,
                language TEXT NOT NULL,
                parent_id TEXT,
                archive_inspiration_ids TEXT,  -- JSON serialized List[str]
                top_k_inspiration_ids TEXT,    -- JSON serialized List[str]
                generation INTEGER NOT NULL,
                timestamp REAL NOT NULL,
                code_diff TEXT,     -- Stores edit difference
                combined_score REAL,
                public_metrics TEXT, -- JSON serialized Dict[str, Any]
                private_metrics TEXT, -- JSON serialized Dict[str, Any]
                text_feedback TEXT, -- Text feedback for the program
                complexity REAL,   -- Calculated complexity metric
                embedding TEXT,    -- JSON serialized List[float]
                embedding_pca_2d TEXT, -- JSON serialized List[float]
                embedding_pca_3d TEXT, -- JSON serialized List[float]
                embedding_cluster_id INTEGER,
                correct BOOLEAN DEFAULT 0,  -- Correct (0=False, 1=True)
                children_count INTEGER NOT NULL DEFAULT 0,
                metadata TEXT,      -- JSON serialized Dict[str, Any]
                migration_history TEXT, -- JSON of migration events
                island_idx INTEGER,  -- Add island_idx to the schema
                system_prompt_id TEXT  -- ID of system prompt that generated this program
            );
INSERT INTO "programs" VALUES('first','def f():
    return 0
','python',NULL,'[]','[]',0,1760000000.0,NULL,0.25,'{}','{}','',1.0,'[0.1, 0.2]','[]','[]',NULL,1,2,'{"api_costs": 0.0, "patch_type": "init", "compute_time": 2.5, "postprocess_db_maintenance_applied": true, "postprocess_db_maintenance_started_at": 1795617098.7875228, "postprocess_db_maintenance_finished_at": 1795617098.78795, "postprocess_db_maintenance_seconds": 0.00042724609375}','[]',0,NULL);
INSERT INTO "programs" VALUES('930dae19-dc53-4996-9a9f-0b2389ff9e0c','def f():
    return 0
','python',NULL,'[]','[]',0,1760000000.0,NULL,0.25,'{}','{}','',1.0,'[0.1, 0.2]','[]','[]',NULL,1,0,'{"api_costs": 0.0, "patch_type": "init", "compute_time": 2.5, "_is_island_copy": true, "_original_program_id": "first"}','[]',1,NULL);
INSERT INTO "programs" VALUES('better','def f():
    return 1
','python','first','[]','[]',1,1760000001.0,NULL,0.5,'{}','{}','',1.0,'[0.1, 0.2]','[]','[]',NULL,1,2,'{"patch_type": "diff", "compute_time": 1.5, "api_costs": 0.0123, "embed_cost": 0.0001, "novelty_cost": 0.002, "postprocess_db_maintenance_applied": true, "postprocess_db_maintenance_started_at": 1795617098.7881958, "postprocess_db_maintenance_finished_at": 1795617098.7885613, "postprocess_db_maintenance_seconds": 0.0003654956817626953}','[]',0,NULL);
INSERT INTO "programs" VALUES('broken','def f():
    return 1
','python','first','[]','[]',1,1760000001.0,NULL,0.0,'{}','{}','',1.0,'[0.1, 0.2]','[]','[]',NULL,0,0,'{"patch_type": "full", "compute_time": 1.5, "api_costs": 0.01, "postprocess_db_maintenance_applied": true, "postprocess_db_maintenance_started_at": 1795617098.7929318, "postprocess_db_maintenance_finished_at": 1795617098.792959, "postprocess_db_maintenance_seconds": 2.7179718017578125e-05}','[]',0,NULL);
INSERT INTO "programs" VALUES('crossed','def f():
    return 2
','python','better','[]','[]',2,1760000002.0,NULL,0.75,'{}','{}','',1.0,'[0.1, 0.2]','[]','[]',NULL,1,0,'{"patch_type": "cross", "compute_time": 1.5, "api_costs": 0.02, "meta_cost": 0.003, "postprocess_db_maintenance_applied": true, "postprocess_db_maintenance_started_at": 1795617098.7933414, "postprocess_db_maintenance_finished_at": 1795617098.7935545, "postprocess_db_maintenance_seconds": 0.00021314620971679688}','[]',0,NULL);
INSERT INTO "programs" VALUES('subscribed','def f():
    return 2
','python','better','[]','[]',2,1760000002.0,NULL,0.625,'{}','{}','',1.0,'[0.1, 0.2]','[]','[]',NULL,1,0,'{"patch_type": "diff", "compute_time": 1.5, "api_costs": 0.0, "postprocess_db_maintenance_applied": true, "postprocess_db_maintenance_started_at": 1795617098.7937543, "postprocess_db_maintenance_finished_at": 1795617098.793855, "postprocess_db_maintenance_seconds": 0.00010061264038085938}','[]',0,NULL);
CREATE INDEX idx_programs_generation ON programs(generation);
CREATE INDEX idx_programs_timestamp ON programs(timestamp);
CREATE INDEX idx_programs_complexity ON programs(complexity);
CREATE INDEX idx_programs_parent_id ON programs(parent_id);
CREATE INDEX idx_programs_children_count ON programs(children_count);
CREATE INDEX idx_programs_island_idx ON programs(island_idx);
CREATE INDEX idx_programs_system_prompt_id ON programs(system_prompt_id);
CREATE INDEX idx_generation_event_log_generation
            ON generation_event_log(generation)
            ;
CREATE INDEX idx_attempt_log_generation
            ON attempt_log(generation)
            ;
DELETE FROM "sqlite_sequence";
COMMIT;
