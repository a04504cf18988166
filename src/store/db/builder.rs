//! Builder for SQL statements that are assembled at run time.

use std::{
    fmt::{Display, Write as _},
    marker::PhantomData,
};

use super::{
    Dialect,
    query::{Query, Scalar, Sql},
    value::Value,
};

/// A statement under construction. Values are bound as parameters, in the order in which they are pushed.
#[derive(Debug)]
pub(in crate::store) struct Builder<'q> {
    dialect: Dialect,
    sql: String,
    values: Vec<Value<'q>>,
}

impl<'q> Builder<'q> {
    pub(in crate::store) fn new(dialect: Dialect, sql: impl Into<String>) -> Self {
        Self { dialect, sql: sql.into(), values: vec![] }
    }

    pub(in crate::store) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(in crate::store) fn push(&mut self, sql: impl Display) -> &mut Self {
        // Writing to a `String` cannot fail.
        let _ = write!(self.sql, "{sql}");
        self
    }

    pub(in crate::store) fn push_bind(&mut self, value: impl Into<Value<'q>>) -> &mut Self {
        self.values.push(value.into());
        match self.dialect {
            // SQLite searches numbered parameters linearly, which is slow for thousands.
            Dialect::Sqlite => self.push('?'),
            Dialect::Postgres => self.push(format_args!("${}", self.values.len())),
        }
    }

    /// Pushes ` IN (…)` with a list of numbers as one parameter.
    pub(in crate::store) fn push_in_numbers(&mut self, list: &'q [i64]) -> &mut Self {
        self.push_in(list, "bigint")
    }

    /// Pushes ` IN (…)` with a list of texts as one parameter.
    pub(in crate::store) fn push_in_texts(&mut self, list: Vec<&'q str>) -> &mut Self {
        self.push_in(list, "text")
    }

    fn push_in(&mut self, list: impl Into<Value<'q>>, kind: &str) -> &mut Self {
        match self.dialect {
            Dialect::Sqlite => self.push(" IN (SELECT value FROM json_each(").push_bind(list).push("))"),
            Dialect::Postgres => self.push(" IN (SELECT unnest(").push_bind(list).push(format_args!("::{kind}[]))")),
        }
    }

    /// Pushes values with a separator between them.
    pub(in crate::store) fn separated(&mut self, separator: &'static str) -> Separated<'_, 'q> {
        Separated { builder: self, separator, first: true }
    }

    /// Pushes `VALUES (…), (…)`.
    pub(in crate::store) fn push_values<T>(
        &mut self,
        rows: impl IntoIterator<Item = T>,
        mut bind: impl FnMut(&mut Separated<'_, 'q>, T),
    ) -> &mut Self {
        self.push("VALUES ");
        for (n, row) in rows.into_iter().enumerate() {
            self.push(if n == 0 { "(" } else { ", (" });
            bind(&mut self.separated(", "), row);
            self.push(')');
        }
        self
    }

    /// Pushes a table expression with one row for each pair of texts.
    pub(in crate::store) fn push_pairs(&mut self, pairs: impl Iterator<Item = (&'q str, &'q str)>) -> &mut Self {
        match self.dialect {
            Dialect::Sqlite => self.push_values(pairs, |row, (one, other)| {
                row.push_bind(one).push_bind(other);
            }),
            Dialect::Postgres => {
                let (ones, others): (Vec<_>, Vec<_>) = pairs.unzip();
                self.push("SELECT * FROM unnest(")
                    .push_bind(ones)
                    .push("::text[], ")
                    .push_bind(others)
                    .push("::text[])")
            }
        }
    }

    pub(in crate::store) fn build(self) -> Query<'q> {
        Query { sql: Sql::Made(self.sql), values: self.values, persistent: true, skip_locked: None }
    }

    pub(in crate::store) fn build_query_scalar<T>(self) -> Scalar<'q, T> {
        Scalar(self.build(), PhantomData)
    }
}

/// Pushes values with a separator between them, see [`Builder::separated`].
#[derive(Debug)]
pub(in crate::store) struct Separated<'b, 'q> {
    builder: &'b mut Builder<'q>,
    separator: &'static str,
    first: bool,
}

impl<'q> Separated<'_, 'q> {
    pub(in crate::store) fn push_bind(&mut self, value: impl Into<Value<'q>>) -> &mut Self {
        if !std::mem::take(&mut self.first) {
            self.builder.push(self.separator);
        }
        self.builder.push_bind(value);
        self
    }
}
