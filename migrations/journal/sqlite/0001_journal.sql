-- Our own tables: the journal, runs, locks, sign-in counters, the baseline and settings. None refers to a table of the
-- portal's by foreign key: the portal must be able to drop and change its own without knowing us.
-- Times are UTC text as Django writes them.

-- Which versions of these files have been applied.
CREATE TABLE portaldesk_migration (
    version int NOT NULL PRIMARY KEY,
    name varchar(100) NOT NULL,
    applied datetime NOT NULL
);

-- A series of plans under one id; a single action is a run of one. state: running, done, stopped.
CREATE TABLE portaldesk_run (
    id varchar(36) NOT NULL PRIMARY KEY,
    title varchar(300) NOT NULL,
    kind varchar(30) NOT NULL,
    state varchar(12) NOT NULL,
    planned bigint NULL,
    done bigint NOT NULL,
    failed bigint NOT NULL,
    actor_id bigint NULL,
    actor varchar(150) NULL,
    unix_user varchar(100) NOT NULL,
    ssh_from varchar(100) NULL,
    sitting varchar(36) NOT NULL,
    owner varchar(200) NOT NULL,
    resume_from text NULL,
    started datetime NOT NULL,
    heartbeat datetime NOT NULL,
    finished datetime NULL
);

-- One applied plan, in one transaction with what it did. hash covers the row, its images and previous_hash, so that
-- an edited or missing row shows; a sitting's chain has no branches.
CREATE TABLE portaldesk_change (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    operation varchar(36) NOT NULL,
    run varchar(36) NOT NULL,
    run_seq bigint NOT NULL,
    made datetime NOT NULL,
    actor_id bigint NULL,
    actor varchar(150) NULL,
    unix_user varchar(100) NOT NULL,
    ssh_from varchar(100) NULL,
    sitting varchar(36) NOT NULL,
    title varchar(300) NOT NULL,
    ticket varchar(100) NULL,
    undo_of varchar(36) NULL,
    row_count int NOT NULL,
    previous_hash varchar(64) NOT NULL,
    hash varchar(64) NOT NULL,
    CONSTRAINT portaldesk_change_operation UNIQUE (operation),
    CONSTRAINT portaldesk_change_chain UNIQUE (sitting, previous_hash)
);
CREATE INDEX portaldesk_change_run ON portaldesk_change (run);
CREATE INDEX portaldesk_change_undo_of ON portaldesk_change (undo_of);
CREATE INDEX portaldesk_change_made ON portaldesk_change (made);
CREATE INDEX portaldesk_change_sitting ON portaldesk_change (sitting);

-- One row that a change wrote, as it was before and after. An image is forgotten by pruning, its digest never.
CREATE TABLE portaldesk_change_row (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    change_id bigint NOT NULL,
    seq int NOT NULL,
    kind varchar(10) NOT NULL,
    table_name varchar(64) NOT NULL,
    row_key text NOT NULL,
    user_id bigint NULL,
    before_image text NULL,
    after_image text NULL,
    digest varchar(64) NOT NULL
);
CREATE INDEX portaldesk_change_row_change_id ON portaldesk_change_row (change_id);
CREATE INDEX portaldesk_change_row_user_id ON portaldesk_change_row (user_id);

-- Says for good whether an operation happened when the connection was lost at COMMIT.
CREATE TABLE portaldesk_fence (
    operation varchar(36) NOT NULL PRIMARY KEY,
    outcome varchar(10) NOT NULL,
    made datetime NOT NULL
);

-- Rows to update, so that of two programs one waits, or on a Galera cluster fails to certify.
CREATE TABLE portaldesk_lock (
    name varchar(50) NOT NULL PRIMARY KEY,
    turn bigint NOT NULL,
    owner varchar(200) NULL,
    heartbeat datetime NULL
);
INSERT INTO portaldesk_lock (name, turn) VALUES ('portal_id', 0), ('repair', 0);

-- Failed sign-ins by account and Unix user.
CREATE TABLE portaldesk_sign_in (
    account varchar(150) NOT NULL,
    login_user varchar(100) NOT NULL,
    failures int NOT NULL,
    last_failure datetime NOT NULL,
    blocked_until datetime NULL,
    PRIMARY KEY (account, login_user)
);

-- Findings that somebody accepted, with the reason.
CREATE TABLE portaldesk_baseline (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    check_id varchar(10) NOT NULL,
    finding varchar(200) NOT NULL,
    reason text NOT NULL,
    actor varchar(150) NOT NULL,
    made datetime NOT NULL,
    until datetime NULL
);

-- Settings by account; the account '' is everyone.
CREATE TABLE portaldesk_setting (
    account varchar(150) NOT NULL,
    name varchar(100) NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (account, name)
);

INSERT INTO portaldesk_migration (version, name, applied) VALUES (1, 'journal', CURRENT_TIMESTAMP);
