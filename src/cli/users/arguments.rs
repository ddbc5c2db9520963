//! What `users import` can be told.

use std::path::PathBuf;

use clap::Args;

use super::input::Format;

/// What to import.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Arguments {
    /// The file, in CSV or JSON lines by its name (.csv, .jsonl, .ndjson); `-` is standard input.
    pub(super) file: PathBuf,
    /// The configuration, as for `serve`: it names the store, the tenants and the vendors. Else
    /// LINKBRIDGE_CONFIG names it.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The embedded store's data is in this directory.
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) data: Option<String>,
    /// How users stand in the file, if its name does not say it.
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Whose users they are: the key of a tenant. Without it the file says so, or there is one tenant.
    #[arg(long, value_name = "KEY")]
    pub(super) tenant: Option<String>,
    /// Move ids that another user has, and replace other ids of a user; the reason goes into the audit.
    #[arg(long, value_name = "REASON")]
    pub(super) rebind: Option<String>,
    /// Write every refused line with its number and the reason into this file, as CSV.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Say what would happen, and write nothing into the store.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Start over, where an earlier import of this file did not come to its end.
    #[arg(long)]
    pub(super) restart: bool,
    /// How many rows share a transaction. More are faster with users in random order; fewer take less
    /// memory and end sooner after a signal.
    #[arg(long, value_name = "ROWS", default_value_t = 250_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) batch: u32,
}

const AFTER: &str = "\
CSV has a header line. `user_id` holds the canonical id, `tenant` the key of a tenant, and each column
that is named after a vendor the user's id there; an empty cell is no id:

    user_id,tenant,VENDOR
    ann,acme,163840776835432705

JSON lines have an object on each line; everything but `user_id` may be left out:

    {\"user_id\":\"ann\",\"tenant\":\"acme\",\"ids\":{\"VENDOR\":\"163840776835432705\"},\"document\":{}}

The server must not run: for a few users at a time, use its own API. An import that was interrupted goes
on where it stopped when it is given the same file again.

Exit codes: 0 every line is accepted, 1 some are refused, 2 bad usage or nothing to start with,
3 it could not run, or not to its end.";
