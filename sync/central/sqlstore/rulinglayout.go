package sqlstore

// rulingLayout has what people at the centre have decided about orders whose own node is gone, and what is needed to find
// where nodes had done otherwise. A ruling is never changed; of those about one order the last one holds.
const rulingLayout = `
CREATE TABLE ruling (
	order_id TEXT NOT NULL, n BIGINT NOT NULL,
	do_what TEXT NOT NULL, want TEXT NOT NULL, station TEXT NOT NULL, by_whom TEXT NOT NULL, because TEXT NOT NULL, at TEXT NOT NULL,
	heard TEXT NOT NULL, -- when the order's node was last heard of
	forced SMALLINT NOT NULL, -- the person has said that it is lost
	PRIMARY KEY (order_id, n));
ALTER TABLE doubt ADD COLUMN epoch TEXT NOT NULL DEFAULT ''; -- of the record that told of it; empty: of before this was noted
ALTER TABLE doubt ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE doubt ADD COLUMN told TEXT NOT NULL DEFAULT ''; -- when that came
ALTER TABLE doubt ADD COLUMN ended_as TEXT NOT NULL DEFAULT ''; -- type of the record of its end
ALTER TABLE doubt ADD COLUMN ended_epoch TEXT NOT NULL DEFAULT '';
ALTER TABLE doubt ADD COLUMN ended_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE doubt ADD COLUMN ended_at TEXT NOT NULL DEFAULT '';
ALTER TABLE doubt ADD COLUMN ended_told TEXT NOT NULL DEFAULT '';
ALTER TABLE doubt_word ADD COLUMN node TEXT NOT NULL DEFAULT ''; -- who said it; empty: the centre, or before this was noted
ALTER TABLE doubt_word ADD COLUMN told TEXT NOT NULL DEFAULT '';
CREATE INDEX doubt_word_kind ON doubt_word (kind, order_id);
UPDATE doubt SET ended_as = COALESCE((SELECT MIN(s.kind) FROM sale s WHERE s.node = doubt.node AND s.order_id = doubt.order_id AND s.was_in_doubt = 1), '')
	WHERE ended = 1;
`
