-- Times are microseconds, those of casts since their start; paths are bytes.
CREATE TABLE casts (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    -- The file as it was when last looked at.
    device INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    -- Not all of that was read so far.
    is_due INTEGER NOT NULL DEFAULT 1,
    indexed INTEGER NOT NULL DEFAULT 0,
    -- What it takes to go on reading there; of casts that may grow.
    progress BLOB,
    condition INTEGER NOT NULL DEFAULT 0,
    finding TEXT,
    is_compressed INTEGER NOT NULL DEFAULT 0,
    host TEXT,
    session TEXT,
    window TEXT,
    title TEXT,
    program TEXT,
    started INTEGER NOT NULL,
    duration INTEGER NOT NULL DEFAULT 0,
    columns INTEGER NOT NULL DEFAULT 0,
    rows INTEGER NOT NULL DEFAULT 0,
    events INTEGER NOT NULL DEFAULT 0,
    gaps INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    markers INTEGER NOT NULL DEFAULT 0,
    commands INTEGER NOT NULL DEFAULT 0,
    lines INTEGER NOT NULL DEFAULT 0,
    -- The last few, one a line.
    last_commands TEXT NOT NULL DEFAULT ''
);

CREATE TABLE marker (
    cast_id INTEGER NOT NULL,
    time INTEGER NOT NULL,
    label TEXT NOT NULL
);
CREATE INDEX marker_cast ON marker (cast_id);

-- Lines that were shown, packed together.
CREATE TABLE block (
    id INTEGER PRIMARY KEY,
    cast_id INTEGER NOT NULL,
    -- What stood on the screen at the end of what was read of a cast that may grow.
    is_rest INTEGER NOT NULL,
    part INTEGER NOT NULL,
    count INTEGER NOT NULL,
    text BLOB NOT NULL,
    lines BLOB NOT NULL
);
CREATE INDEX block_part ON block (part, cast_id, id);
CREATE INDEX block_cast ON block (cast_id, is_rest);

-- Which bytes in a row stand in 256 KiB of text: parts that are on no shelf.
CREATE TABLE part (
    id INTEGER PRIMARY KEY,
    length INTEGER NOT NULL,
    bits BLOB NOT NULL
);

-- 128 parts each, bit by bit: row 1280 * shelf + n has 64 bits from 64 * n on, of
-- each the 128 parts in 16 bytes.
CREATE TABLE shelf (
    id INTEGER PRIMARY KEY,
    bits BLOB NOT NULL
);

-- What shells told of (OSC 133): numbered from 1 in each cast.
CREATE TABLE command (
    cast_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text TEXT,
    folder TEXT,
    started INTEGER NOT NULL,
    ended INTEGER,
    status INTEGER,
    PRIMARY KEY (cast_id, number)
) WITHOUT ROWID;
