//! A Parquet table as part of a corpus: one column of it, a row group at a time.

use std::fs::File;
use std::path::Path;

use parquet::column::reader::ColumnReader;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use stillmark_benchmark::contamination::scan::Reader;

use crate::files;
use crate::problem::Problem;

/// Rows that are read at a time.
const ROWS: usize = 1024;

/// How many rows each row group has.
pub(super) fn groups(path: &Path) -> Result<Vec<u64>, Problem> {
    let table = open(path)?;
    let counts =
        table.metadata().row_groups().iter().map(parquet::file::metadata::RowGroupMetaData::num_rows);
    counts
        .map(|rows| u64::try_from(rows).map_err(|_| broken(path, "a row group of less than no rows")))
        .collect()
}

/// Searches one row group; the reader stands at its first row.
pub(super) fn search(reader: &mut Reader<'_>, path: &Path, group: usize, field: &str) -> Result<(), Problem> {
    let table = open(path)?;
    let schema = table.metadata().file_metadata().schema_descr();
    let named = |at: &usize| schema.column(*at).path().parts().first().is_some_and(|name| name == field);
    let column = (0..schema.num_columns())
        .find(named)
        .ok_or_else(|| broken(path, &format!("there is no column `{field}`")))?;
    let about = schema.column(column);
    let wrong = |err: parquet::errors::ParquetError| broken(path, &err.to_string());
    let rows = table.get_row_group(group).map_err(wrong)?;
    let ColumnReader::ByteArrayColumnReader(mut cells) = rows.get_column_reader(column).map_err(wrong)?
    else {
        return Err(broken(path, &format!("the column `{field}` is no text")));
    };
    if about.max_rep_level() > 0 || about.path().parts().len() > 1 {
        return Err(broken(path, &format!("the column `{field}` is no text")));
    }
    let (mut texts, mut levels) = (Vec::new(), Vec::new());
    loop {
        texts.clear();
        levels.clear();
        let (read, ..) = cells.read_records(ROWS, Some(&mut levels), None, &mut texts).map_err(wrong)?;
        if read == 0 {
            return Ok(());
        }
        let mut filled = texts.iter();
        for row in 0..read {
            // Without levels every row is filled.
            let is_filled = levels.get(row).is_none_or(|level| *level == about.max_def_level());
            let text = if is_filled { filled.next() } else { None };
            reader.row(text.map_or(&[][..], |text| text.data()));
        }
    }
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, Problem> {
    let file = File::open(path).map_err(|err| files::cannot("read", path, &err))?;
    SerializedFileReader::new(file).map_err(|err| broken(path, &err.to_string()))
}

fn broken(path: &Path, problem: &str) -> Problem {
    Problem::new(format!("{} is no table of documents", path.display()))
        .cause(problem.to_owned())
        .hint("the column with the text is named with `--field`")
}
