package sqlstore

// downlinkLayout has what goes down to the nodes, and what is known of them.
const downlinkLayout = `
CREATE TABLE node ( -- what a node last said of itself
	node TEXT NOT NULL, online SMALLINT NOT NULL, session TEXT NOT NULL, boot TEXT NOT NULL, version TEXT NOT NULL,
	epoch TEXT NOT NULL, at TEXT NOT NULL, received TEXT NOT NULL, region BIGINT NOT NULL,
	cfg BIGINT NOT NULL, -- version of the desired state that is applied
	PRIMARY KEY (node));
CREATE TABLE node_stream (
	node TEXT NOT NULL, stream TEXT NOT NULL, first BIGINT NOT NULL, next BIGINT NOT NULL, acked BIGINT NOT NULL,
	PRIMARY KEY (node, stream));
CREATE TABLE command (
	id TEXT NOT NULL, node TEXT NOT NULL, counter BIGINT NOT NULL, type TEXT NOT NULL, args TEXT NOT NULL,
	issued TEXT NOT NULL, expires TEXT NOT NULL, issuer TEXT NOT NULL, payload BLOB NOT NULL, -- signed
	sent BIGINT NOT NULL, sent_at TEXT NOT NULL, -- how often; empty: never
	outcome TEXT NOT NULL, text TEXT NOT NULL, result TEXT NOT NULL, finished TEXT NOT NULL, -- empty: open
	PRIMARY KEY (id), UNIQUE (node, counter));
CREATE INDEX command_open ON command (finished, expires);
CREATE TABLE change_count (one SMALLINT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (one)); -- 1: of any change, 2: of one that concerns every node
INSERT INTO change_count (one, n) VALUES (1, 0), (2, 0);
CREATE TABLE account_state (
	account TEXT NOT NULL, region BIGINT NOT NULL, meter TEXT NOT NULL, meter_at TEXT NOT NULL,
	cardless SMALLINT NOT NULL, cardless_at TEXT NOT NULL,
	PRIMARY KEY (account));
CREATE TABLE card_state (
	account TEXT NOT NULL, region BIGINT NOT NULL, card TEXT NOT NULL, issue BIGINT NOT NULL, seq BIGINT NOT NULL, cum BIGINT NOT NULL,
	qty BIGINT NOT NULL, tag TEXT NOT NULL, unit TEXT NOT NULL, at TEXT NOT NULL, -- of the newest record about it
	dead BIGINT NOT NULL, dead_why TEXT NOT NULL, -- up to this issue count; -1: it is not
	lost TEXT NOT NULL, lost_at TEXT NOT NULL, -- a mark in JSON; empty: it is not reported lost
	PRIMARY KEY (account, region, card));
CREATE TABLE account_touch ( -- the newest change of an account by each node
	account TEXT NOT NULL, node TEXT NOT NULL, n BIGINT NOT NULL,
	PRIMARY KEY (account, node));
CREATE INDEX account_touch_n ON account_touch (n);
CREATE TABLE bought (
	account TEXT NOT NULL, period TEXT NOT NULL, node TEXT NOT NULL, volume_l BIGINT NOT NULL,
	PRIMARY KEY (account, period, node));
CREATE TABLE sale_lock (
	account TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL, by_whom TEXT NOT NULL, node TEXT NOT NULL, -- empty: the centre
	lifted TEXT NOT NULL, lifted_by TEXT NOT NULL, why TEXT NOT NULL, -- empty: it stands
	PRIMARY KEY (account, at));
CREATE TABLE price_release (
	released TEXT NOT NULL, by_whom TEXT NOT NULL, body TEXT NOT NULL,
	PRIMARY KEY (released));
CREATE TABLE node_setting (
	node TEXT NOT NULL, body TEXT NOT NULL,
	PRIMARY KEY (node));
CREATE TABLE desired (
	node TEXT NOT NULL, version BIGINT NOT NULL, issued TEXT NOT NULL, made_of BIGINT NOT NULL, upto BIGINT NOT NULL,
	more SMALLINT NOT NULL, digest TEXT NOT NULL, payload BLOB NOT NULL, published BIGINT NOT NULL, published_at TEXT NOT NULL,
	holder TEXT NOT NULL, held_until TEXT NOT NULL, -- who is publishing it
	PRIMARY KEY (node));
CREATE TABLE desired_upto ( -- which changes a version of a node carried at the most
	node TEXT NOT NULL, version BIGINT NOT NULL, upto BIGINT NOT NULL,
	PRIMARY KEY (node, version));
CREATE TABLE resend (
	node TEXT NOT NULL, epoch TEXT NOT NULL, stream TEXT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL,
	command TEXT NOT NULL, asked TEXT NOT NULL,
	PRIMARY KEY (node, epoch, stream, first, asked));
CREATE TABLE audit_head (
	node TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, stream TEXT NOT NULL, upto BIGINT NOT NULL, sha256 TEXT NOT NULL,
	at TEXT NOT NULL, trouble TEXT NOT NULL, -- empty: the signature is sound
	PRIMARY KEY (node, epoch, seq, stream));
CREATE TABLE node_key ( -- the key that signed a node's first heads; another one is a finding
	node TEXT NOT NULL, epoch TEXT NOT NULL, key TEXT NOT NULL, since TEXT NOT NULL,
	PRIMARY KEY (node, epoch, key));
CREATE TABLE reconciliation (
	node TEXT NOT NULL, day TEXT NOT NULL, made TEXT NOT NULL, compared BIGINT NOT NULL, findings TEXT NOT NULL,
	PRIMARY KEY (node, day));
`
