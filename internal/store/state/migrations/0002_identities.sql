-- Who signs in elsewhere: the issuer and what it calls the person, never an address that
-- may pass to another.
CREATE TABLE identities (
	tenant  TEXT NOT NULL,
	issuer  TEXT NOT NULL,
	subject TEXT NOT NULL,
	name    TEXT NOT NULL,
	created INTEGER NOT NULL,
	PRIMARY KEY (tenant, issuer, subject),
	FOREIGN KEY (tenant, name) REFERENCES users (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX identities_name ON identities (tenant, name);
