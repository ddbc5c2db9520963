//! A look at indexes from beside the process that has the store open.

use super::rows;
use crate::backend::embedded::files::Files;
use crate::backend::embedded::settings::{OpenError, Settings};
use crate::backend::embedded::task::Stop;
use crate::backend::embedded::{Embedded, connection, schema};
use crate::backend::upstream::state::IndexStatus;
use crate::model::TenantId;

impl Embedded {
    /// How far the indexes of these upstreams and tenants are. Nothing is changed, and nothing is locked: the
    /// store may be open elsewhere. Where there is no store, nothing is there yet.
    ///
    /// # Errors
    /// [`OpenError`], also for a database that would have to be migrated first.
    pub fn index_statuses(
        settings: &Settings,
        of: &[(String, TenantId)],
    ) -> Result<Vec<IndexStatus>, OpenError> {
        let files = Files::at(&settings.directory);
        let path = files.database();
        if !path.exists() {
            return Ok(vec![IndexStatus::default(); of.len()]);
        }
        let conn = connection::reader(&files).map_err(|e| OpenError::sqlite(&path, &e))?;
        schema::require_newest(&conn, &path)?;
        let status = |(upstream, tenant): &(String, TenantId)| {
            rows::status(&conn, upstream, tenant).map_err(|stop| match stop {
                Stop::Sql(error) => OpenError::sqlite(&path, &error),
                Stop::Damaged(why) => OpenError::Corrupt {
                    path: path.clone(),
                    why: why.to_owned(),
                },
                Stop::Refused(failure) => OpenError::Io {
                    path: path.clone(),
                    why: failure.kind().name().to_owned(),
                },
            })
        };
        of.iter().map(status).collect()
    }
}
