//! Everything a key can do, by name. The names are stable: configuration, palette and documentation use them.

macro_rules! actions {
    ($($variant:ident $name:literal)*) => {
        /// Something a key, the palette or a menu can do. The part of the name before the point says where.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Action {
            /// Every action, in the order of the register.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, such as `users.new`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

actions! {
    Help "app.help"
    Palette "app.palette"
    Close "app.close"
    Back "app.back"
    Cancel "app.cancel"
    Suspend "app.suspend"
    Repaint "app.repaint"
    Reload "app.reload"
    Mouse "app.mouse"
    Lock "app.lock"
    Symptoms "app.symptoms"
    Undo "app.undo"
    Redo "app.redo"
    NextTab "app.next-tab"
    PreviousTab "app.previous-tab"
    Tab1 "app.tab-1"
    Tab2 "app.tab-2"
    Tab3 "app.tab-3"
    Tab4 "app.tab-4"
    Tab5 "app.tab-5"
    Tab6 "app.tab-6"

    Down "list.down"
    Up "list.up"
    PageDown "list.page-down"
    PageUp "list.page-up"
    HalfPageDown "list.half-page-down"
    HalfPageUp "list.half-page-up"
    First "list.first"
    Last "list.last"
    Open "list.open"
    Mark "list.mark"
    MarkRange "list.mark-range"
    MarkAll "list.mark-all"
    Filter "list.filter"
    SavedFilters "list.saved-filters"
    SaveFilter "list.save-filter"
    FilterRename "filters.rename"
    FilterDelete "filters.delete"
    Sort "list.sort"
    ReverseSort "list.reverse-sort"
    Columns "list.columns"
    ColumnEarlier "columns.earlier"
    ColumnLater "columns.later"
    ColumnNarrower "columns.narrower"
    ColumnWider "columns.wider"
    ColumnAutomatic "columns.automatic"
    ColumnsUsual "columns.usual"
    SwitchPane "list.switch-pane"
    RecordHistory "list.history"
    Menu "list.menu"
    Copy "list.copy"
    CopyCommand "list.copy-command"
    Export "list.export"
    Import "list.import"

    NextField "form.next-field"
    PreviousField "form.previous-field"
    FieldDown "form.down"
    FieldUp "form.up"
    PreviousChoice "form.previous-choice"
    NextChoice "form.next-choice"
    Toggle "form.toggle"
    Review "form.review"
    ReviewAndNew "form.review-and-new"
    Generate "form.generate"
    TakeOver "form.take-over"

    Yes "dialog.yes"
    No "dialog.no"
    Choose "dialog.choose"
    OneFirst "dialog.one-first"
    Spell "dialog.spell"
    Backup "dialog.backup"

    UsersNew "users.new"
    UsersLike "users.like"
    UsersEdit "users.edit"
    UsersRename "users.rename"
    UsersDelete "users.delete"
    UsersPassword "users.password"
    UsersCanLogIn "users.can-log-in"
    UsersMemberships "users.memberships"
    UsersOffboard "users.offboard"
    UsersClearTries "users.clear-tries"
    UsersTestPassword "users.test-password"
    UsersPermissions "users.permissions"

    BulkOffboard "bulk.off-board"
    BulkDeactivate "bulk.deactivate"
    BulkActivate "bulk.activate"
    BulkAddGroup "bulk.add-group"
    BulkRemoveGroup "bulk.remove-group"
    BulkDepartment "bulk.department"
    BulkNotifications "bulk.notifications"
    BulkStaff "bulk.staff"
    BulkPasswords "bulk.passwords"
    BulkDelete "bulk.delete"

    GroupsNew "groups.new"
    GroupsEdit "groups.edit"
    GroupsDelete "groups.delete"
    GroupsMembers "groups.members"
    GroupsPermissions "groups.permissions"
    GroupsAddMember "groups.add-member"
    GroupsRemoveMember "groups.remove-member"

    DepartmentsNew "departments.new"
    DepartmentsEdit "departments.edit"
    DepartmentsDelete "departments.delete"
    DepartmentsMembers "departments.members"
    DepartmentsMerge "departments.merge"
    DepartmentsActive "departments.active"
    DepartmentsMove "departments.move"

    IntegrityScan "integrity.scan"
    IntegrityScanDeep "integrity.scan-deep"
    IntegrityPreview "integrity.preview"
    IntegrityFix "integrity.fix"
    IntegrityFixKind "integrity.fix-kind"
    IntegrityAccept "integrity.accept"
    IntegrityLeft "integrity.left"
    IntegrityRight "integrity.right"

    FirstSuperuser "sign-in.first-superuser"
    DropDraft "drafts.drop"
    RunSetAside "runs.set-aside"

    WriteAccess "portal.write-access"
    Connect "portal.connect"

    HistoryUndo "history.undo"
    HistoryUndoRun "history.undo-run"
    HistoryOpenRows "history.open-rows"
}

impl Action {
    /// The action of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        let names: BTreeSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for action in Action::ALL {
            assert_eq!(Action::named(action.name()), Some(*action));
        }
        assert_eq!(Action::named("users.nwe"), None);
    }
}
