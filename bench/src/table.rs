//! The table, as text that is also Markdown.

use crate::bars::Bar;

/// The heading of each column.
const HEADINGS: [&str; 7] = ["measure", "organizations", "ours", "against", "ratio", "bar", ""];

/// Every bar on a line, and a sum at the end.
pub fn render(machine: &str, bars: &[Bar]) -> String {
    let rows: Vec<[String; 7]> = bars.iter().map(cells).collect();
    let widths: [usize; 7] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).chain([HEADINGS[column].len()]).max().unwrap_or(0)
    });
    let line = |cells: &[String; 7]| {
        let padded: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let mut text = format!("{machine}\n\n");
    text += &line(&HEADINGS.map(str::to_owned));
    text += &line(&widths.map(|width| "-".repeat(width)));
    for row in &rows {
        text += &line(row);
    }
    let count = |met| bars.iter().filter(|bar| bar.is_met == Some(met)).count();
    text + &format!("\n{} bars met, {} not met\n", count(true), count(false))
}

fn cells(bar: &Bar) -> [String; 7] {
    let verdict = match bar.is_met {
        Some(true) => "met",
        Some(false) => "NOT MET",
        None => "",
    };
    let ratio = bar.ratio.map_or_else(String::new, |ratio| {
        // Throughput against a bare server is a small part of it.
        if ratio < 0.2 { format!("1/{:.1}", 1.0 / ratio) } else { format!("{ratio:.2}") }
    });
    [
        bar.measure.clone(),
        bar.organizations.to_owned(),
        bar.ours.clone(),
        bar.against.clone(),
        ratio,
        bar.bar.clone(),
        verdict.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_as_wide_as_the_others_and_says_what_became_of_it() {
        let bar = |measure: &str, ratio, is_met| Bar {
            measure: measure.to_owned(),
            organizations: "1",
            ours: "1 us".to_owned(),
            against: String::new(),
            ratio,
            bar: "<= 2 x".to_owned(),
            is_met,
        };
        let bars = [
            bar("short", Some(1.0), Some(true)),
            bar("a longer measure", Some(3.25), Some(false)),
            bar("a small part", Some(0.05), Some(true)),
            bar("elsewhere", None, None),
        ];
        let text = render("a machine", &bars);
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(lines.len(), 6);
        assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{text}");
        assert!(lines[3].contains("3.25") && lines[3].contains("NOT MET"), "{text}");
        assert!(lines[4].contains("1/20.0"), "{text}");
        assert!(text.ends_with("2 bars met, 1 not met\n"), "{text}");
    }
}
