-- The state of one installation. Every table and every key begins with the tenant.
-- Times are Unix nanoseconds; 0 is never. Ids of incidents and keys of entities are
-- unsigned in the program and the same 64 bits here.

CREATE TABLE installation (
	tenant TEXT NOT NULL, -- always '': it is about the file
	name   TEXT NOT NULL,
	value  BLOB NOT NULL,
	PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- One clock for each tenant: seq counts the changes of incidents. Lists are read as of a
-- seq. What ended at or before the one in forgotten is gone.
CREATE TABLE clocks (
	tenant    TEXT NOT NULL PRIMARY KEY,
	seq       INTEGER NOT NULL,
	forgotten INTEGER NOT NULL,
	time      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE incidents (
	tenant     TEXT NOT NULL,
	id         INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	state      TEXT NOT NULL CHECK (state IN ('open', 'closed', 'merged')),
	merged     INTEGER NOT NULL, -- into which incident
	assignee   TEXT NOT NULL,
	verdict    TEXT NOT NULL, -- of a person
	verdict_by TEXT NOT NULL,
	verdict_at INTEGER NOT NULL,
	title      TEXT NOT NULL,
	body       TEXT NOT NULL, -- what the machine says: JSON
	created    INTEGER NOT NULL,
	changed    INTEGER NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT;

-- What incidents are called. A change of name ends the text of an incident and begins
-- another.
CREATE TABLE incident_texts (
	n        INTEGER PRIMARY KEY, -- a number that stays when the file is copied
	tenant   TEXT NOT NULL,
	incident INTEGER NOT NULL,
	until    INTEGER NOT NULL, -- seq; the largest number while it is the latest
	title    TEXT NOT NULL,
	names    TEXT NOT NULL, -- JSON
	search   TEXT NOT NULL, -- what a text is looked for in: lower case
	FOREIGN KEY (tenant, incident) REFERENCES incidents (tenant, id)
) STRICT;
CREATE INDEX incident_texts_incident ON incident_texts (tenant, incident, until);
CREATE INDEX incident_texts_until ON incident_texts (tenant, until) WHERE until < 9223372036854775807;

-- Three letters each, so that any part of a name is found. Tenants are told apart by the
-- table it stands for.
CREATE VIRTUAL TABLE incident_search USING fts5 (search, content = 'incident_texts', content_rowid = 'n', tokenize = 'trigram case_sensitive 1');
CREATE TRIGGER incident_texts_added AFTER INSERT ON incident_texts BEGIN
	INSERT INTO incident_search (rowid, search) VALUES (new.n, new.search);
END;
CREATE TRIGGER incident_texts_gone AFTER DELETE ON incident_texts BEGIN
	INSERT INTO incident_search (incident_search, rowid, search) VALUES ('delete', old.n, old.search);
END;

-- The rows that lists show. A change ends the row of an incident and begins another, so
-- that a list that is being paged through stands still.
CREATE TABLE incident_rows (
	tenant     TEXT NOT NULL,
	id         INTEGER NOT NULL,
	since      INTEGER NOT NULL, -- seq
	until      INTEGER NOT NULL, -- seq; the largest number while it is the latest
	retired    INTEGER NOT NULL, -- when it ended; 0 while it is the latest
	surfaced   INTEGER NOT NULL,
	ratio      REAL NOT NULL,
	updated    INTEGER NOT NULL,
	opened     INTEGER NOT NULL,
	score      INTEGER NOT NULL,
	confidence REAL NOT NULL,
	hidden     TEXT NOT NULL,
	concluded  TEXT NOT NULL, -- verdict of the machine
	state      TEXT NOT NULL,
	verdict    TEXT NOT NULL,
	assignee   TEXT NOT NULL,
	text       INTEGER NOT NULL, -- n of incident_texts
	findings   INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	FOREIGN KEY (tenant, id) REFERENCES incidents (tenant, id)
) STRICT;
-- The first two hold all that lists choose and order by, so that only the rows of a page
-- are looked up.
CREATE INDEX incident_rows_id ON incident_rows (tenant, id, since, until, surfaced, ratio, updated, state, assignee, text);
CREATE INDEX incident_rows_order ON incident_rows (tenant, surfaced, ratio, updated, id, since, until, state, assignee, text);
CREATE INDEX incident_rows_count ON incident_rows (tenant, state, surfaced, assignee) WHERE retired = 0;
CREATE INDEX incident_rows_retired ON incident_rows (tenant, retired) WHERE retired > 0;

CREATE TABLE incident_entities (
	tenant   TEXT NOT NULL,
	entity   INTEGER NOT NULL,
	incident INTEGER NOT NULL,
	since    INTEGER NOT NULL,
	until    INTEGER NOT NULL,
	PRIMARY KEY (tenant, entity, incident, since),
	FOREIGN KEY (tenant, incident) REFERENCES incidents (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE history (
	tenant   TEXT NOT NULL,
	incident INTEGER NOT NULL,
	n        INTEGER NOT NULL,
	time     INTEGER NOT NULL,
	actor    TEXT NOT NULL,
	kind     TEXT NOT NULL,
	detail   TEXT NOT NULL, -- JSON
	PRIMARY KEY (tenant, incident, n),
	FOREIGN KEY (tenant, incident) REFERENCES incidents (tenant, id)
) STRICT;
CREATE INDEX history_time ON history (tenant, time);

CREATE TABLE verdicts (
	tenant    TEXT NOT NULL,
	incident  INTEGER NOT NULL,
	n         INTEGER NOT NULL, -- of the history
	time      INTEGER NOT NULL,
	author    TEXT NOT NULL,
	verdict   TEXT NOT NULL,
	reason    TEXT NOT NULL,
	concluded TEXT NOT NULL, -- what the machine said then
	score     INTEGER NOT NULL,
	surfaced  INTEGER NOT NULL,
	PRIMARY KEY (tenant, incident, n),
	FOREIGN KEY (tenant, incident) REFERENCES incidents (tenant, id)
) STRICT;
CREATE INDEX verdicts_time ON verdicts (tenant, time);

CREATE TABLE notes (
	tenant   TEXT NOT NULL,
	incident INTEGER NOT NULL,
	n        INTEGER NOT NULL, -- of the history
	time     INTEGER NOT NULL,
	author   TEXT NOT NULL,
	text     TEXT NOT NULL,
	PRIMARY KEY (tenant, incident, n),
	FOREIGN KEY (tenant, incident) REFERENCES incidents (tenant, id)
) STRICT;

-- What was asked for with a key, so that asking again does nothing more.
CREATE TABLE requests (
	tenant TEXT NOT NULL,
	key    TEXT NOT NULL,
	digest BLOB NOT NULL,
	result INTEGER NOT NULL,
	time   INTEGER NOT NULL,
	PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_time ON requests (tenant, time);

CREATE TABLE audit (
	tenant TEXT NOT NULL,
	seq    INTEGER NOT NULL,
	time   INTEGER NOT NULL,
	actor  TEXT NOT NULL,
	action TEXT NOT NULL,
	target TEXT NOT NULL,
	detail TEXT NOT NULL,
	prev   BLOB NOT NULL,
	hash   BLOB NOT NULL,
	PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_heads (
	tenant TEXT NOT NULL PRIMARY KEY,
	seq    INTEGER NOT NULL,
	hash   BLOB NOT NULL,
	seal   BLOB NOT NULL -- a MAC with a key that is not in the file
) STRICT, WITHOUT ROWID;

-- Against mistakes of our own; against others there is the chain.
CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
CREATE TRIGGER history_kept BEFORE DELETE ON history BEGIN SELECT RAISE(ABORT, 'history is only added to'); END;
CREATE TRIGGER history_fixed BEFORE UPDATE ON history BEGIN SELECT RAISE(ABORT, 'history is only added to'); END;

CREATE TABLE users (
	tenant    TEXT NOT NULL,
	name      TEXT NOT NULL,
	role      TEXT NOT NULL,
	password  TEXT NOT NULL, -- argon2id, or empty
	totp      BLOB NOT NULL, -- sealed, or empty
	totp_step INTEGER NOT NULL, -- the last that was used
	disabled  INTEGER NOT NULL,
	version   INTEGER NOT NULL,
	created   INTEGER NOT NULL,
	signed_in INTEGER NOT NULL,
	PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_addresses (
	tenant  TEXT NOT NULL,
	name    TEXT NOT NULL,
	address BLOB NOT NULL, -- keyed hash
	time    INTEGER NOT NULL,
	PRIMARY KEY (tenant, name, address),
	FOREIGN KEY (tenant, name) REFERENCES users (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
	tenant  TEXT NOT NULL,
	hash    BLOB NOT NULL,
	name    TEXT NOT NULL,
	created INTEGER NOT NULL,
	seen    INTEGER NOT NULL,
	ends    INTEGER NOT NULL,
	strong  INTEGER NOT NULL,
	address TEXT NOT NULL,
	agent   TEXT NOT NULL,
	PRIMARY KEY (tenant, hash),
	FOREIGN KEY (tenant, name) REFERENCES users (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_name ON sessions (tenant, name);

CREATE TABLE tokens (
	tenant  TEXT NOT NULL,
	hash    BLOB NOT NULL,
	name    TEXT NOT NULL, -- of its owner
	purpose TEXT NOT NULL,
	scopes  TEXT NOT NULL, -- JSON
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	used    INTEGER NOT NULL,
	revoked INTEGER NOT NULL,
	PRIMARY KEY (tenant, hash),
	FOREIGN KEY (tenant, name) REFERENCES users (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_name ON tokens (tenant, name);

CREATE TABLE codes (
	tenant  TEXT NOT NULL,
	person  TEXT NOT NULL, -- '' is whoever becomes the first administrator
	hash    BLOB NOT NULL,
	role    TEXT NOT NULL,
	expires INTEGER NOT NULL,
	PRIMARY KEY (tenant, person)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX codes_hash ON codes (tenant, hash);

-- Subjects are keyed hashes: what people type as a name by mistake may be a password.
CREATE TABLE attempts (
	tenant  TEXT NOT NULL,
	kind    TEXT NOT NULL,
	subject BLOB NOT NULL,
	failed  INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	PRIMARY KEY (tenant, kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_last ON attempts (tenant, last);

CREATE TABLE settings (
	tenant  TEXT NOT NULL,
	name    TEXT NOT NULL,
	version INTEGER NOT NULL,
	value   TEXT NOT NULL,
	author  TEXT NOT NULL,
	time    INTEGER NOT NULL,
	latest  INTEGER NOT NULL,
	PRIMARY KEY (tenant, name, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX settings_latest ON settings (tenant, name) WHERE latest = 1;

CREATE TABLE sources (
	tenant   TEXT NOT NULL,
	name     TEXT NOT NULL,
	received INTEGER NOT NULL,
	decoded  INTEGER NOT NULL,
	lost     INTEGER NOT NULL,
	seen     INTEGER NOT NULL,
	PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE source_rejects (
	tenant TEXT NOT NULL,
	name   TEXT NOT NULL,
	reason TEXT NOT NULL,
	count  INTEGER NOT NULL,
	PRIMARY KEY (tenant, name, reason),
	FOREIGN KEY (tenant, name) REFERENCES sources (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
	tenant TEXT NOT NULL,
	name   TEXT NOT NULL,
	sealed BLOB NOT NULL,
	author TEXT NOT NULL,
	time   INTEGER NOT NULL,
	PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
