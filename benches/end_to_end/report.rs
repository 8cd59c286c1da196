//! Figures, for people and for programs.

use serde_json::{Map, Value, json};

/// Measured values of one kind: their median, and how far they spread.
#[derive(Clone, Debug, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// One more value.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    /// The value in the middle; 0 when there is none.
    pub fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() {
            0 => 0.0,
            odd if odd % 2 == 1 => self.0[middle],
            _ => (self.0[middle - 1] + self.0[middle]) / 2.0,
        }
    }

    /// The smallest value.
    pub fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or(0.0)
    }

    /// The largest value.
    pub fn largest(&self) -> f64 {
        self.0.last().copied().unwrap_or(0.0)
    }

    /// How far the values lie apart, as a share of the median.
    pub fn spread(&self) -> f64 {
        match (self.0.first(), self.0.last()) {
            (Some(first), Some(last)) if self.median() > 0.0 => (last - first) / self.median(),
            _ => 0.0,
        }
    }
}

/// A table: what was measured, under which conditions.
#[derive(Debug)]
pub struct Table {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// A table without rows. The first column names a row.
    pub fn new(title: impl Into<String>, columns: &[&'static str]) -> Table {
        Table {
            title: title.into(),
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// One more row; `null` where there is nothing to say.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Value>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// For people.
    pub fn print(&self) {
        let text = |cell: &Value| match cell {
            Value::Null => "–".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        println!("\n{}", self.title);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| text(cell).chars().count()).max();
            widest
                .unwrap_or(0)
                .max(self.columns[column].chars().count())
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: Vec<String>| {
            let mut line = String::new();
            for (number, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                let width = *width;
                line += &match number {
                    0 => format!("  {cell:<width$}"),
                    _ => format!("  {cell:>width$}"),
                };
            }
            println!("{line}");
        };
        line(self.columns.iter().map(|&name| name.to_owned()).collect());
        for row in &self.rows {
            line(row.iter().map(text).collect());
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Value>| {
            let names = self.columns.iter().map(|&name| name.to_owned());
            Value::Object(names.zip(row.iter().cloned()).collect::<Map<_, _>>())
        };
        json!({ "title": self.title, "rows": self.rows.iter().map(object).collect::<Vec<_>>() })
    }
}

/// A number with `places` places.
pub fn number(value: f64, places: usize) -> Value {
    let scale = 10f64.powi(places as i32);
    json!((value * scale).round() / scale)
}
