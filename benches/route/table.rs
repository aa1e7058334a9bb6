//! What was measured, as Markdown tables of medians.

/// One line of a table.
pub(crate) struct Line {
    pub(crate) label: String,
    /// The first one is the one whose range over the runs is shown.
    pub(crate) figures: Vec<Figure>,
}

/// One measured figure.
#[derive(Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) value: f64,
}

/// How a figure is shown.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    /// So many, or so many a second.
    Number,
    /// So many times another one.
    Ratio,
    /// Microseconds, shown as what is short.
    Micros,
    Seconds,
    /// Bytes, shown as megabytes.
    Megabytes,
    Bytes,
}

impl Figure {
    pub(crate) fn new(name: &'static str, unit: Unit, value: f64) -> Self {
        Self { name, unit, value }
    }

    fn text(&self) -> String {
        let value = self.value;
        match self.unit {
            Unit::Number => with_commas(value),
            Unit::Ratio => format!("{value:.2}"),
            Unit::Micros if value.abs() < 100.0 => format!("{value:.1} us"),
            Unit::Micros if value.abs() < 1e3 => format!("{value:.0} us"),
            Unit::Micros if value.abs() < 1e6 => format!("{:.2} ms", value / 1e3),
            Unit::Micros => format!("{:.2} s", value / 1e6),
            Unit::Seconds => format!("{value:.3} s"),
            Unit::Megabytes => format!("{:.1} MB", value / 1e6),
            Unit::Bytes => format!("{value:.1} B"),
        }
    }
}

impl Line {
    /// Returns the line in one run's words.
    pub(crate) fn text(&self) -> String {
        let figures: Vec<_> = self.figures.iter().map(|one| format!("{} {}", one.name, one.text())).collect();
        format!("{}: {}", self.label, figures.join(", "))
    }

    fn has_columns_of(&self, other: &Self) -> bool {
        self.figures.iter().map(|figure| figure.name).eq(other.figures.iter().map(|figure| figure.name))
    }
}

/// Prints the medians of runs that measured the same lines.
pub(crate) fn print(runs: &[Vec<Line>]) {
    let mut above: Option<&Line> = None;
    for (index, line) in runs[0].iter().enumerate() {
        if !above.is_some_and(|above| above.has_columns_of(line)) {
            print_head(line, runs.len());
        }
        above = Some(line);
        let of_runs = |column: usize| {
            let mut values: Vec<Figure> = runs.iter().map(|lines| lines[index].figures[column]).collect();
            values.sort_by(|one, other| one.value.total_cmp(&other.value));
            values
        };
        let mut cells = vec![line.label.clone()];
        cells.extend((0..line.figures.len()).map(|column| median(&of_runs(column)).text()));
        let first = of_runs(0);
        if let (Some(least), Some(most)) = (first.first(), first.last())
            && runs.len() > 1
        {
            cells.push(format!("{} to {}", least.text(), most.text()));
        }
        println!("| {} |", cells.join(" | "));
    }
}

fn print_head(line: &Line, runs: usize) {
    let mut names: Vec<&str> = line.figures.iter().map(|figure| figure.name).collect();
    if runs > 1 {
        names.push("range of the first");
    }
    println!("\n| | {} |\n|---|{}", names.join(" | "), "--:|".repeat(names.len()));
}

/// Returns the middle one of figures in order, or what is between the middle two.
fn median(sorted: &[Figure]) -> Figure {
    let (lower, upper) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    Figure { value: f64::midpoint(lower.value, upper.value), ..lower }
}

fn with_commas(value: f64) -> String {
    let digits = format!("{value:.0}");
    let grouped: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    grouped.join(",")
}
