//! Tables for spreadsheets: RFC 4180, in UTF-8.

/// What a file begins with, so that Excel reads it as UTF-8.
pub(crate) const BYTE_ORDER_MARK: &str = "\u{feff}";
/// What a spreadsheet takes for the start of a formula (OWASP, "CSV Injection").
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// Where a cell may begin inside of ours: spreadsheets of many countries separate by semicolons, whatever is quoted.
const SEPARATORS: [char; 4] = [';', '\t', '\n', '\r'];

/// The start of a file with these columns.
pub(crate) fn head<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    BYTE_ORDER_MARK.to_owned() + &line(columns)
}

/// A line of these cells. What a spreadsheet would compute is made a text by an apostrophe before it.
pub(crate) fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        let shown = without_formulas(cell);
        if shown.contains(['"', ',']) || shown.contains(SEPARATORS) {
            line.push('"');
            line.push_str(&shown.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&shown);
        }
    }
    line.push_str("\r\n");
    line
}

fn without_formulas(cell: &str) -> String {
    let mut shown = String::with_capacity(cell.len());
    let mut may_begin = true;
    for character in cell.chars() {
        if may_begin && FORMULA_STARTS.contains(&character) {
            shown.push('\'');
        }
        shown.push(character);
        may_begin = SEPARATORS.contains(&character);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(line(["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(line(["say \"so\"", "1,2", "a\nb"]), "\"say \"\"so\"\"\",\"1,2\",\"a\nb\"\r\n");
        assert_eq!(head(["a", "b"]), "\u{feff}a,b\r\n");
    }

    #[test]
    fn no_cell_is_a_formula_whatever_the_spreadsheet_separates_by() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("x;=HYPERLINK(A1)", "x;'=HYPERLINK(A1)"),
            ("x\n@y", "x\n'@y"),
            ("1=1-1", "1=1-1"),
        ] {
            assert_eq!(without_formulas(cell), expected, "{cell:?}");
        }
        assert_eq!(line(["x;=1"]), "\"x;'=1\"\r\n");
    }
}
