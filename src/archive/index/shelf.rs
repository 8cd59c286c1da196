//! Keeps of which parts of all texts the gram bits are on.
//!
//! A part is about 256 KiB of text, of one cast or of several short ones. Of the
//! newest parts the bits are kept as they are. 128 that are full go on a shelf, where
//! what belongs to one bit stands together: a search for a few grams reads some
//! kilobytes a shelf, whatever is on it. Bits of what was taken out stay on, and cost
//! a needless look at most; a shelf of which nothing is left goes ([`tidy`]).

use rusqlite::{Connection, OptionalExtension, params};

use super::block::FULL;
use super::grams::{BITS, BYTES, Wanted, gather};
use super::pack::Packed;

/// Parts on a shelf.
const PARTS: i64 = 128;

/// Bytes that say of which parts a bit is on.
const COLUMN: usize = PARTS as usize / 8;

/// Bits in one row of a shelf.
const PER_ROW: usize = 64;

/// Rows of a shelf, and room between the numbers of two.
const ROWS: i64 = (BITS / PER_ROW) as i64;

/// The part that is being filled.
pub(super) struct Open {
    id: i64,
    length: usize,
    bits: Vec<u8>,
}

impl Open {
    /// The last part, or a new one.
    pub fn load(connection: &Connection) -> rusqlite::Result<Open> {
        let last = connection
            .prepare_cached("SELECT id, length, bits FROM part ORDER BY id DESC LIMIT 1")?
            .query_row([], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?))
            })
            .optional()?;
        if let Some((id, length, bits)) = last {
            let bits: Vec<u8> = bits;
            let length = length as usize;
            if bits.len() == BYTES && length < FULL {
                return Ok(Open { id, length, bits });
            }
            return Ok(Open::new(id + 1));
        }
        let shelves: Option<i64> =
            connection.query_row("SELECT max(id) FROM shelf", [], |row| row.get(0))?;
        Ok(Open::new(
            shelves.map_or(0, |last| (last / ROWS + 1) * PARTS),
        ))
    }

    fn new(id: i64) -> Open {
        Open {
            id,
            length: 0,
            bits: vec![0; BYTES],
        }
    }

    /// Adds a block; gives the part that it is in.
    pub fn add(&mut self, connection: &Connection, block: &Packed) -> rusqlite::Result<i64> {
        if self.length >= FULL {
            self.save(connection)?;
            let next = self.id + 1;
            if next % PARTS == 0 {
                shelve(connection, next / PARTS - 1)?;
            }
            *self = Open::new(next);
        }
        let both = self.bits.iter_mut().zip(&block.bits[..]);
        both.for_each(|(all, own)| *all |= own);
        self.length += block.length;
        Ok(self.id)
    }

    /// Writes the part as it is.
    pub fn save(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached("INSERT OR REPLACE INTO part (id, length, bits) VALUES (?, ?, ?)")?
            .execute(params![self.id, self.length as i64, self.bits])?;
        Ok(())
    }
}

/// Puts the parts of a shelf there.
fn shelve(connection: &Connection, shelf: i64) -> rusqlite::Result<()> {
    let mut parts = vec![[0; BYTES]; PARTS as usize];
    let first = shelf * PARTS;
    each_part(connection, first, &mut |at, bits| {
        parts[at]
            .iter_mut()
            .zip(bits)
            .for_each(|(to, own)| *to = *own);
    })?;
    let mut insert =
        connection.prepare_cached("INSERT OR REPLACE INTO shelf (id, bits) VALUES (?, ?)")?;
    for row in 0..ROWS {
        insert.execute(params![shelf * ROWS + row, turn(&parts, row as usize)])?;
    }
    let delete = "DELETE FROM part WHERE id >= ? AND id < ?";
    connection.execute(delete, [first, first + PARTS])?;
    Ok(())
}

/// Removes the shelves of whose texts none is left.
pub(super) fn tidy(connection: &Connection) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM shelf WHERE id >= ? AND id < ?")?;
    for shelf in 0..count(connection)? {
        if !has_texts(connection, shelf)? {
            delete.execute([shelf * ROWS, (shelf + 1) * ROWS])?;
        }
    }
    Ok(())
}

/// How many shelves there are, with those that were removed before the last one.
fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT coalesce(max(id) / ?, -1) + 1 FROM shelf")?
        .query_row([ROWS], |row| row.get(0))
}

fn has_texts(connection: &Connection, shelf: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM block WHERE part >= ? AND part < ?)")?
        .query_row([shelf * PARTS, (shelf + 1) * PARTS], |row| row.get(0))
}

/// Calls `take` with the bits of each part from `first` on, and its place on its
/// shelf.
fn each_part(
    connection: &Connection,
    first: i64,
    take: &mut dyn FnMut(usize, &[u8]),
) -> rusqlite::Result<()> {
    let mut select =
        connection.prepare_cached("SELECT id, bits FROM part WHERE id >= ? AND id < ?")?;
    let mut rows = select.query([first, first + PARTS])?;
    while let Some(row) = rows.next()? {
        let at = row.get::<_, i64>(0)?.rem_euclid(PARTS) as usize;
        take(at, row.get_ref(1)?.as_bytes()?);
    }
    Ok(())
}

/// What a row of a shelf says of its parts: bit by bit, each in all parts.
fn turn(parts: &[[u8; BYTES]], row: usize) -> [u8; PER_ROW * COLUMN] {
    const LOWEST: u64 = 0x0101_0101_0101_0101;
    let mut turned = [0; PER_ROW * COLUMN];
    for (to, eight) in parts.as_chunks::<8>().0.iter().enumerate() {
        for at in 0..PER_ROW / 8 {
            let bytes = eight.each_ref().map(|bits| bits[row * PER_ROW / 8 + at]);
            let bytes = u64::from_le_bytes(bytes);
            for bit in 0..8 {
                turned[(8 * at + bit) * COLUMN + to] = gather(bytes >> bit & LOWEST);
            }
        }
    }
    turned
}

/// The parts that may have what is wanted, as ranges of their numbers, the first and
/// the last of each; in order.
pub fn columns_with(connection: &Connection, wanted: &Wanted) -> rusqlite::Result<Vec<(i64, i64)>> {
    if *wanted == Wanted::Anything {
        return Ok(vec![(0, i64::MAX)]);
    }
    let mut bits = Vec::new();
    wanted.bits(&mut bits);
    bits.sort_unstable();
    bits.dedup();
    let mut ranges = Ranges(Vec::new());
    let shelves = count(connection)?;
    let mut select = connection.prepare_cached("SELECT bits FROM shelf WHERE id = ?")?;
    let mut columns = vec![0u128; bits.len()];
    let column = |columns: &[u128], bit: u32| {
        let at = bits.binary_search(&bit);
        at.map_or(u128::MAX, |at| columns[at])
    };
    'shelves: for shelf in 0..shelves {
        let mut row = (-1, Vec::new());
        for (bit, column) in bits.iter().zip(&mut columns) {
            let number = shelf * ROWS + (*bit as usize / PER_ROW) as i64;
            if row.0 != number {
                let found: Option<Vec<u8>> =
                    select.query_row([number], |row| row.get(0)).optional()?;
                if found.is_none() && !has_texts(connection, shelf)? {
                    continue 'shelves;
                }
                row = (number, found.unwrap_or_default());
            }
            let parts = row.1.chunks_exact(COLUMN).nth(*bit as usize % PER_ROW);
            // What is not there rules nothing out.
            *column = parts.map_or(u128::MAX, |parts| {
                parts
                    .iter()
                    .rev()
                    .fold(0, |all, byte| all << 8 | u128::from(*byte))
            });
        }
        ranges.add(shelf * PARTS, wanted.fitting(&|bit| column(&columns, bit)));
    }
    let (mut known, mut turned) = (0u128, vec![0u128; bits.len()]);
    each_part(connection, shelves * PARTS, &mut |at, own| {
        known |= 1 << at;
        for (bit, parts) in bits.iter().zip(&mut turned) {
            let byte = own.get(*bit as usize / 8).copied().unwrap_or(u8::MAX);
            *parts |= u128::from(byte >> (bit % 8) & 1) << at;
        }
    })?;
    let fitting = wanted.fitting(&|bit| column(&turned, bit));
    ranges.add(shelves * PARTS, fitting & known);
    Ok(ranges.0)
}

struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    fn add(&mut self, base: i64, fitting: u128) {
        for at in (0..PARTS).filter(|at| fitting >> at & 1 == 1) {
            let part = base + at;
            match self.0.last_mut() {
                Some((_, last)) if *last + 1 == part => *last = part,
                _ => self.0.push((part, part)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::Builder;
    use super::super::pack::Packing;
    use super::*;
    use crate::screen::ShownLine;

    #[test]
    fn parts_are_found_on_shelves_and_off() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("../catalogue/tables.sql"))
            .unwrap();
        let mut open = Open::load(&connection).unwrap();
        let mut packing = Packing::new().unwrap();
        let filling = "x".repeat(FULL);
        let mut at = Vec::new();
        for number in 0..300 {
            let text = format!(
                "needle{}needle {filling}",
                (b'a' + (number % 26) as u8) as char
            );
            let mut builder = Builder::default();
            builder.add(&ShownLine::alone(&text, 0), None);
            let block = packing.pack(&builder, false).unwrap();
            at.push(open.add(&connection, &block).unwrap());
            if number % 50 == 0 {
                open.save(&connection).unwrap();
                open = Open::load(&connection).unwrap();
            }
        }
        open.save(&connection).unwrap();
        assert_eq!(at, (0..300).collect::<Vec<_>>());
        let with = |text: &str| {
            let ranges = columns_with(&connection, &Wanted::literal(text.as_bytes())).unwrap();
            ranges
                .into_iter()
                .flat_map(|(first, last)| first..=last)
                .collect::<Vec<_>>()
        };
        let expected: Vec<i64> = (0..300).filter(|number| number % 26 == 2).collect();
        assert_eq!(with("EedleCneed"), expected);
        assert_eq!(with("needle").len(), 300);
        assert_eq!(with("nowhere"), [0; 0]);
        // The texts of the first shelf are gone, those of the second but for one.
        let block = "INSERT INTO block (cast_id, is_rest, part, count, text, lines)
             VALUES (1, 0, ?, 1, x'00', x'00')";
        for part in [200, 290] {
            connection.execute(block, [part]).unwrap();
        }
        tidy(&connection).unwrap();
        let left = "SELECT min(id) / 1280, count(*) FROM shelf";
        let left = connection.query_row(left, [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(left, Ok((1, ROWS)));
        assert_eq!(with("needle"), (128..300).collect::<Vec<_>>());
        let expected: Vec<i64> = expected.into_iter().filter(|part| *part >= 128).collect();
        assert_eq!(with("EedleCneed"), expected);
        assert_eq!(Open::load(&connection).unwrap().id, 300);
    }
}
