//! The header of a CSV file: which column holds what.

use super::known::{Draft, Known};
use crate::model::VendorName;

const USER: &str = "user_id";
const TENANT: &str = "tenant";

/// What stands in a column.
#[derive(Clone, Debug, PartialEq)]
enum Column {
    User,
    Tenant,
    Id(VendorName),
}

/// The columns of a file, in their order.
#[derive(Clone, Debug)]
pub(super) struct Columns(Vec<Column>);

impl Columns {
    /// The columns that a header names.
    ///
    /// # Errors
    /// Everything that is wrong with the header.
    pub(super) fn read(header: &[&str], known: &Known) -> Result<Self, String> {
        let mut faults = Vec::new();
        let mut columns = Vec::new();
        for name in header {
            let column = match *name {
                USER => Ok(Column::User),
                TENANT => Ok(Column::Tenant),
                vendor => known
                    .vendor(vendor, &[USER, TENANT])
                    .cloned()
                    .map(Column::Id),
            };
            match column {
                Ok(column) if columns.contains(&column) => {
                    faults.push(format!("there are two columns `{name}`"));
                }
                Ok(column) => columns.push(column),
                Err(hint) => faults.push(format!("`{name}` is no column: {hint}")),
            }
        }
        if !header.contains(&USER) {
            faults.push(format!("there is no column `{USER}`"));
        }
        if known.needs_tenant() && !header.contains(&TENANT) {
            faults.push(format!(
                "there are several tenants, and no column `{TENANT}`: add one, or give `--tenant KEY`"
            ));
        }
        if faults.is_empty() {
            Ok(Self(columns))
        } else {
            Err(faults.join("\n"))
        }
    }

    /// What a record with these fields says.
    ///
    /// # Errors
    /// Fields are missing, or there are too many.
    pub(super) fn draft<'a>(&'a self, fields: &[&'a str]) -> Result<Draft<'a>, String> {
        let (found, wanted) = (fields.len(), self.0.len());
        if found != wanted {
            return Err(format!(
                "has {} where the header has {wanted}",
                counted(found)
            ));
        }
        let mut draft = Draft::default();
        for (column, field) in self.0.iter().zip(fields) {
            match column {
                Column::User => draft.user_id = Some(field),
                Column::Tenant => draft.tenant = Some(field),
                // An empty cell is no id.
                Column::Id(vendor) if !field.is_empty() => draft.ids.push((vendor, field)),
                Column::Id(_) => {}
            }
        }
        Ok(draft)
    }
}

fn counted(n: usize) -> String {
    match n {
        1 => "1 field".to_owned(),
        n => format!("{n} fields"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::known::testing::known;
    use super::*;

    fn faults(header: &[&str], tenants: &[&str]) -> String {
        Columns::read(header, &known(tenants, None)).unwrap_err()
    }

    #[test]
    fn columns_may_stand_in_any_order_and_empty_cells_are_no_ids() {
        let known = known(&["acme"], None);
        let columns = Columns::read(&["two", "user_id", "one"], &known).unwrap();
        let draft = columns.draft(&["7", "ann", ""]).unwrap();
        assert_eq!(draft.user_id, Some("ann"));
        assert_eq!(draft.tenant, None);
        let ids: Vec<_> = draft.ids.iter().map(|(v, id)| (v.as_str(), *id)).collect();
        assert_eq!(ids, [("two", "7")]);
    }

    #[test]
    fn every_fault_of_a_header_is_told() {
        assert_eq!(
            faults(&["userid", "two", "two", "document"], &["acme", "other"]),
            "`userid` is no column: did you mean `user_id`?\n\
             there are two columns `two`\n\
             `document` is no column: known are: user_id, tenant, one, two\n\
             there is no column `user_id`\n\
             there are several tenants, and no column `tenant`: add one, or give `--tenant KEY`"
        );
    }

    #[test]
    fn a_record_has_as_many_fields_as_the_header() {
        let known = known(&["acme"], None);
        let columns = Columns::read(&["user_id", "one"], &known).unwrap();
        let fault = |fields: &[&'static str]| columns.draft(fields).unwrap_err();
        assert_eq!(fault(&["ann"]), "has 1 field where the header has 2");
        assert_eq!(
            fault(&["a", "b", "c"]),
            "has 3 fields where the header has 2"
        );
    }
}
