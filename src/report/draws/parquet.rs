//! Draws of all chains as one Parquet table, a row a draw: pandas, Polars, DuckDB and R's arrow read it without parsing text.

use super::cmdstan::{Chain, columns};
use crate::{Error, Result};
use parquet::basic::{Repetition, Type as Physical};
use parquet::data_type::{DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::sync::Arc;

pub const FILE: &str = "draws.parquet";

/// `chain` and `draw` (from 1), `lp__`, `log_lik__` and the parameters under the names that the files of CmdStan have.
///
/// # Errors
/// [`Error::Run`] if there are more draws than a table can number.
pub fn table<'n>(chains: &[Chain], names: impl Iterator<Item = &'n str>) -> Result<Vec<u8>> {
    encoded(chains, &columns(names)).map_err(|error| Error::Run(format!("cannot write {FILE}: {error}")))
}

fn encoded(chains: &[Chain], parameters: &[String]) -> std::result::Result<Vec<u8>, ParquetError> {
    let number = |at: usize| i32::try_from(at).map_err(|error| ParquetError::External(Box::new(error)));
    let (mut ids, mut places) = (Vec::new(), Vec::new());
    for chain in chains {
        for at in 0..chain.draws.len() {
            ids.push(number(chain.id)?);
            places.push(number(at + 1)?);
        }
    }
    let of = |value: &dyn Fn(&Chain, usize) -> f64| -> Vec<f64> {
        chains.iter().flat_map(|chain| (0..chain.draws.len()).map(move |at| value(chain, at))).collect()
    };
    let mut values = vec![of(&|chain, at| chain.densities[at][0]), of(&|chain, at| chain.densities[at][1])];
    values.extend((0..parameters.len()).map(|parameter| of(&|chain, at| chain.draws[at][parameter])));

    let field = |name: &str, kind: Physical| {
        let built = Type::primitive_type_builder(name, kind).with_repetition(Repetition::REQUIRED).build();
        built.map(Arc::new)
    };
    let whole = ["chain", "draw"].into_iter().map(|name| field(name, Physical::INT32));
    let names = ["lp__", "log_lik__"].into_iter().chain(parameters.iter().map(String::as_str));
    let fields = whole.chain(names.map(|name| field(name, Physical::DOUBLE))).collect::<std::result::Result<_, _>>()?;
    let schema = Type::group_type_builder("draws").with_fields(fields).build()?;

    let mut bytes = Vec::new();
    let properties = WriterProperties::builder().set_key_value_metadata(chains.first().map(said_of)).build();
    let mut file = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for column in [&ids, &places] {
        let mut writer = group.next_column()?.expect("a column for each field");
        writer.typed::<Int32Type>().write_batch(column, None, None)?;
        writer.close()?;
    }
    for column in &values {
        let mut writer = group.next_column()?.expect("a column for each field");
        writer.typed::<DoubleType>().write_batch(column, None, None)?;
        writer.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(bytes)
}

/// What the head of a file of CmdStan says.
fn said_of(chain: &Chain) -> Vec<KeyValue> {
    let pair = |key: &str, value: String| KeyValue::new(key.to_string(), value);
    vec![
        pair("fenton", chain.version.into()),
        pair("model", chain.title.into()),
        pair("method", chain.method.into()),
        pair("seed", chain.seed.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    use std::io::Write;

    #[test]
    fn what_is_written_is_read_back_to_the_last_bit() {
        let draws = [vec![vec![0.1, -2.5e-300], vec![1.0 / 3.0, 7.0]], vec![vec![f64::MIN_POSITIVE, 0.0]]];
        let densities = [vec![[-1.5, -1.0], [-2.5, -2.0]], vec![[-3.5, -3.0]]];
        let chain = |at: usize| Chain {
            version: "0",
            title: "a title",
            method: "SMC",
            seed: 7,
            id: at + 1,
            draws: &draws[at],
            densities: &densities[at],
        };
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&table(&[chain(0), chain(1)], ["k one", "sd__"].into_iter()).unwrap()).unwrap();
        let read = SerializedFileReader::new(file).unwrap();
        let schema = read.metadata().file_metadata().schema_descr();
        let names: Vec<&str> = schema.columns().iter().map(|column| column.name()).collect();
        assert_eq!(names, ["chain", "draw", "lp__", "log_lik__", "k_one", "sd"]);
        let said = read.metadata().file_metadata().key_value_metadata().unwrap();
        assert!(said.iter().any(|pair| pair.key == "seed" && pair.value.as_deref() == Some("7")));
        let rows: Vec<_> = read.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        let place = |row: usize| (rows[row].get_int(0).unwrap(), rows[row].get_int(1).unwrap());
        assert_eq!([place(0), place(1), place(2)], [(1, 1), (1, 2), (2, 1)]);
        for (row, (draw, density)) in draws.concat().iter().zip(densities.concat()).enumerate() {
            let found: Vec<f64> = (2..6).map(|column| rows[row].get_double(column).unwrap()).collect();
            assert_eq!(found, [density[0], density[1], draw[0], draw[1]]);
        }
    }
}
