//! What is printed: a table in plain text that is Markdown too.

/// A column: its heading, which is padded to the width of what will stand below.
pub(crate) struct Column(pub(crate) &'static str, pub(crate) usize);

/// A table that is printed line by line; the first column is aligned to the left.
pub(crate) struct Table {
    widths: Vec<usize>,
}

impl Table {
    /// Prints the head of a table.
    pub(crate) fn new(columns: &[Column]) -> Self {
        let widths = columns.iter().map(|Column(name, width)| name.len().max(*width)).collect();
        let table = Self { widths };
        let names: Vec<String> = columns.iter().map(|column| column.0.to_owned()).collect();
        table.row(&names);
        let rule = |(index, width): (usize, &usize)| match index {
            0 => "-".repeat(*width),
            _ => format!("{}:", "-".repeat(width - 1)),
        };
        let rules: Vec<String> = table.widths.iter().enumerate().map(rule).collect();
        table.row(&rules);
        table
    }

    /// Prints a line.
    pub(crate) fn row(&self, cells: &[String]) {
        let pad = |(index, (cell, width)): (usize, (&String, &usize))| match index {
            0 => format!("| {cell:<width$} |"),
            _ => format!(" {cell:>width$} |"),
        };
        println!("{}", cells.iter().zip(&self.widths).enumerate().map(pad).collect::<String>());
    }
}

/// Writes a figure with three digits: 512, 6.25k, 98.3k, 1.95M.
pub(crate) fn figure(value: f64) -> String {
    let (scaled, unit) = match value {
        1e9.. => (value / 1e9, "G"),
        1e6.. => (value / 1e6, "M"),
        1e3.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let decimals = match scaled {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{scaled:.decimals$}{unit}")
}

/// Returns how many of something there are to each of the others.
#[expect(clippy::cast_precision_loss, reason = "counts of bytes are far below 2^53")]
pub(crate) fn each(total: usize, count: usize) -> f64 {
    total as f64 / count as f64
}
