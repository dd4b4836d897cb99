//! The integrity checks and their repairs: what `check`, `fix-user-profiles` and the Integrity screen do.
//!
//! A [`Check`] finds faults with set-based queries and says, for a few of its [`Subject`]s at a time, which rows are
//! concerned and which steps would repair them. Everything else is done once for all checks: [`scan`] runs them in the
//! catalogue's order and skips, by name, those whose tables are missing; [`report`] writes the result for people and for
//! scripts; [`repair`] packs the steps into plans of a run; [`fix`] repairs in the right order and looks again.
//!
//! Memory stays flat: a finding keeps sixteen bytes for each of its decisions and no row. Rows are fetched a page at a
//! time when someone looks at them, when they are written out, and when their repair is planned.

mod anti_join;
pub mod baseline;
pub mod cells;
pub mod check;
pub mod checks;
mod constraints;
pub mod counters;
pub mod decision;
pub mod export;
pub mod fix;
pub mod full;
mod listing;
mod migrations;
mod of_user;
pub mod rehearsal;
mod remarks;
pub mod repair;
pub mod report;
pub mod runs;
pub mod scan;
mod twins;
mod uniques;
mod windows;

pub use baseline::{Accepted, AcceptedFinding};
pub use check::{About, Check, Class, Finding, FindingRow, Found, Need, Part, Severity, Stage, Subject};
pub use decision::{Answers, Choice, Decision, Question};
pub use fix::{Fixed, Repaired, fix_user_profiles, repair_as_one};
pub use full::{FullRepair, Scope};
pub use of_user::of_user;
pub use rehearsal::{Rehearsal, rehearse, rehearse_first};
pub use remarks::{Remark, Remarks, of_departments, of_groups};
pub use repair::{Repairs, Selection, decide, preview, repairs};
pub use scan::{Report, Scan, ScanProgress, Skipped, Tell, scan, scan_deep};

use crate::error::{Error, Result};

/// The register: every check, in the catalogue's order. A new one is a file in `checks/` and a line here.
pub static CHECKS: &[&dyn Check] = &[
    &checks::missing_profile::MissingProfile,
    &checks::duplicate_profiles::DuplicateProfiles,
    &checks::orphan_profile::OrphanProfile,
    &checks::ghost_rights::GhostRights,
    &checks::group_ghosts::GroupGhosts,
    &checks::lost_department::LostDepartment,
    &checks::log_entries::LogEntries,
    &checks::lost_permission::LostPermission,
    &checks::foreign_rows::ForeignRows,
    &checks::double_links::DoubleLinks,
    &checks::profile_unique::PROFILE_UNIQUE,
    &checks::names_unique::NAMES_UNIQUE,
    &checks::legacy_unique::LegacyUnique,
    &checks::foreign_keys::ForeignKeys,
    &checks::sequence_behind::SEQUENCE_BEHIND,
    &checks::auto_increment_behind::AUTO_INCREMENT_BEHIND,
    &checks::inherited_id::INHERITED_ID,
    &checks::counter_near_end::COUNTER_NEAR_END,
    &checks::odd_sequence::ODD_SEQUENCE,
    &checks::odd_id::OddId,
    &checks::portal_id_twins::PortalIdTwins,
    &checks::blank_value::BLANK_VALUE,
    &checks::unclean_text::UNCLEAN_TEXT,
    &checks::long_text::LONG_TEXT,
    &checks::odd_storage::ODD_STORAGE,
    &checks::username_twins::UsernameTwins,
    &checks::email_addresses::EmailAddresses,
    &checks::no_role::NoRole,
    &checks::username_pattern::UsernamePattern,
    &checks::unused_account::UnusedAccount,
    &checks::missing_group::MissingGroup,
    &checks::renamed_role::RenamedRole,
    &checks::superuser_outside::SuperuserOutside,
    &checks::admin_without_flags::AdminWithoutFlags,
    &checks::group_without_permissions::GroupWithoutPermissions,
    &checks::no_superuser::NoSuperuser,
    &checks::single_superuser::SingleSuperuser,
    &checks::superuser_not_staff::SuperuserNotStaff,
    &checks::superuser_locked_out::SuperuserLockedOut,
    &checks::open_password::OPEN_PASSWORD,
    &checks::cheap_password::CheapPassword,
    &checks::broken_password::BROKEN_PASSWORD,
    &checks::shared_password::SharedPassword,
    &checks::inactive_department::InactiveDepartment,
    &checks::department_names::DepartmentNames,
    &checks::missing_permissions::MISSING_PERMISSIONS,
    &checks::stale_content_types::STALE_CONTENT_TYPES,
    &checks::future_time::FUTURE_TIME,
    &checks::odd_time::ODD_TIME,
    &checks::backward_times::BackwardTimes,
    &checks::odd_bool::ODD_BOOL,
    &checks::table_engines::TABLE_ENGINES,
    &checks::collations::COLLATIONS,
    &checks::schema_drift::SchemaDrift,
    &checks::triggers::TRIGGERS,
    &checks::migration_records::MIGRATION_RECORDS,
    &checks::log_objects::LogObjects,
    &checks::damage::DamagedPages,
];

/// The most accounts with which a portal is scanned without being asked.
pub const SMALL: i64 = 10_000;

/// The check of this id, whatever the case it is written in.
#[must_use]
pub fn check(id: &str) -> Option<&'static dyn Check> {
    CHECKS.iter().copied().find(|check| check.about().id.eq_ignore_ascii_case(id.trim()))
}

/// The checks that someone named, in the catalogue's order; when nothing is named all of them, the deep ones only if asked.
///
/// # Errors
/// Usage, when an id is unknown; the known ones are named.
pub fn named(only: &[String], deep: bool) -> Result<Vec<&'static dyn Check>> {
    let mut ids = Vec::with_capacity(only.len());
    for id in only {
        let Some(check) = check(id) else {
            let known: Vec<&str> = CHECKS.iter().map(|check| check.about().id).collect();
            return Err(Error::usage(format!(
                "There is no check '{id}'. The checks are: {}.",
                known.join(", ")
            )));
        };
        ids.push(check.about().id);
    }
    let is_wanted =
        |about: &About| ids.contains(&about.id) || (deep && about.deep) || (only.is_empty() && !about.deep);
    Ok(CHECKS.iter().copied().filter(|check| is_wanted(check.about())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_an_id_of_its_own() {
        for (index, check) in CHECKS.iter().enumerate() {
            let id = check.about().id;
            assert!(CHECKS[..index].iter().all(|other| other.about().id != id), "{id} twice");
            assert_eq!(super::check(id).map(|found| found.about().id), Some(id));
        }
    }

    /// The catalogue's order, which people know and every list keeps.
    #[test]
    fn the_checks_stand_in_the_catalogues_order() {
        const FAMILIES: [&str; 17] = [
            "PRF", "REL", "IDX", "SEQ", "PID", "TXT", "USR", "GRP", "ADM", "PWD", "DEP", "PRM", "TIM", "BOO",
            "SCH", "MIG", "LOG",
        ];
        let place = |id: &'static str| {
            let (family, number) = id.split_once('-').expect("FAMILY-NUMBER");
            let family = FAMILIES.iter().position(|known| *known == family).unwrap_or(FAMILIES.len());
            (family, number)
        };
        let places: Vec<_> = CHECKS.iter().map(|check| place(check.about().id)).collect();
        let mut sorted = places.clone();
        sorted.sort_unstable();
        assert_eq!(places, sorted);
    }

    #[test]
    fn ids_are_found_in_any_case_and_unknown_ones_are_named() {
        let ids = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|id| (*id).to_owned()).collect();
            named(&only, false).map(|checks| checks.iter().map(|check| check.about().id).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["grp-001", "PRF-001", "PRF-001"]).unwrap(), ["PRF-001", "GRP-001"]);
        let usual = CHECKS.iter().filter(|check| !check.about().deep).count();
        assert_eq!(ids(&[]).unwrap().len(), usual, "the deep ones only when somebody asks");
        let error = ids(&["PRF-01"]).unwrap_err();
        assert_eq!(error.kind, crate::error::Kind::Usage);
        assert!(error.message.contains("'PRF-01'") && error.message.contains("PRF-001"), "{error}");
    }
}
