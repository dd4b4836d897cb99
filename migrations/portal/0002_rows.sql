-- The rows that a migrated portal has before anybody signs up, the same text for all three engines. Ids are left to the
-- engine, in Django's own order, so that sequences and counters stay ahead of them.

INSERT INTO django_content_type (app_label, model) VALUES
    ('admin', 'logentry'),
    ('auth', 'permission'),
    ('auth', 'group'),
    ('auth', 'user'),
    ('contenttypes', 'contenttype'),
    ('sessions', 'session'),
    ('core', 'department'),
    ('core', 'userprofile');

INSERT INTO auth_permission (name, content_type_id, codename) VALUES
    ('Can add log entry', (SELECT id FROM django_content_type WHERE model = 'logentry'), 'add_logentry'),
    ('Can change log entry', (SELECT id FROM django_content_type WHERE model = 'logentry'), 'change_logentry'),
    ('Can delete log entry', (SELECT id FROM django_content_type WHERE model = 'logentry'), 'delete_logentry'),
    ('Can view log entry', (SELECT id FROM django_content_type WHERE model = 'logentry'), 'view_logentry'),
    ('Can add permission', (SELECT id FROM django_content_type WHERE model = 'permission'), 'add_permission'),
    ('Can change permission', (SELECT id FROM django_content_type WHERE model = 'permission'), 'change_permission'),
    ('Can delete permission', (SELECT id FROM django_content_type WHERE model = 'permission'), 'delete_permission'),
    ('Can view permission', (SELECT id FROM django_content_type WHERE model = 'permission'), 'view_permission'),
    ('Can add group', (SELECT id FROM django_content_type WHERE model = 'group'), 'add_group'),
    ('Can change group', (SELECT id FROM django_content_type WHERE model = 'group'), 'change_group'),
    ('Can delete group', (SELECT id FROM django_content_type WHERE model = 'group'), 'delete_group'),
    ('Can view group', (SELECT id FROM django_content_type WHERE model = 'group'), 'view_group'),
    ('Can add user', (SELECT id FROM django_content_type WHERE model = 'user'), 'add_user'),
    ('Can change user', (SELECT id FROM django_content_type WHERE model = 'user'), 'change_user'),
    ('Can delete user', (SELECT id FROM django_content_type WHERE model = 'user'), 'delete_user'),
    ('Can view user', (SELECT id FROM django_content_type WHERE model = 'user'), 'view_user'),
    ('Can add content type', (SELECT id FROM django_content_type WHERE model = 'contenttype'), 'add_contenttype'),
    ('Can change content type', (SELECT id FROM django_content_type WHERE model = 'contenttype'), 'change_contenttype'),
    ('Can delete content type', (SELECT id FROM django_content_type WHERE model = 'contenttype'), 'delete_contenttype'),
    ('Can view content type', (SELECT id FROM django_content_type WHERE model = 'contenttype'), 'view_contenttype'),
    ('Can add session', (SELECT id FROM django_content_type WHERE model = 'session'), 'add_session'),
    ('Can change session', (SELECT id FROM django_content_type WHERE model = 'session'), 'change_session'),
    ('Can delete session', (SELECT id FROM django_content_type WHERE model = 'session'), 'delete_session'),
    ('Can view session', (SELECT id FROM django_content_type WHERE model = 'session'), 'view_session'),
    ('Can add department', (SELECT id FROM django_content_type WHERE model = 'department'), 'add_department'),
    ('Can change department', (SELECT id FROM django_content_type WHERE model = 'department'), 'change_department'),
    ('Can delete department', (SELECT id FROM django_content_type WHERE model = 'department'), 'delete_department'),
    ('Can view department', (SELECT id FROM django_content_type WHERE model = 'department'), 'view_department'),
    ('Can add user profile', (SELECT id FROM django_content_type WHERE model = 'userprofile'), 'add_userprofile'),
    ('Can change user profile', (SELECT id FROM django_content_type WHERE model = 'userprofile'), 'change_userprofile'),
    ('Can delete user profile', (SELECT id FROM django_content_type WHERE model = 'userprofile'), 'delete_userprofile'),
    ('Can view user profile', (SELECT id FROM django_content_type WHERE model = 'userprofile'), 'view_userprofile');

-- What Django holds to be applied. With these rows a real portal takes the database over with a plain `migrate`; without
-- them `migrate --fake-initial` fails on MySQL and PostgreSQL (contenttypes 0002 drops a column that is not there).
--
-- CURRENT_TIMESTAMP is UTC here: SQLite knows no other, PostgreSQL stores the zone, and every MySQL session is set to it.
-- On SQLite it has the form that Django writes for a whole second.

INSERT INTO django_migrations (app, name, applied) VALUES
    ('contenttypes', '0001_initial', CURRENT_TIMESTAMP),
    ('contenttypes', '0002_remove_content_type_name', CURRENT_TIMESTAMP),
    ('auth', '0001_initial', CURRENT_TIMESTAMP),
    ('auth', '0002_alter_permission_name_max_length', CURRENT_TIMESTAMP),
    ('auth', '0003_alter_user_email_max_length', CURRENT_TIMESTAMP),
    ('auth', '0004_alter_user_username_opts', CURRENT_TIMESTAMP),
    ('auth', '0005_alter_user_last_login_null', CURRENT_TIMESTAMP),
    ('auth', '0006_require_contenttypes_0002', CURRENT_TIMESTAMP),
    ('auth', '0007_alter_validators_add_error_messages', CURRENT_TIMESTAMP),
    ('auth', '0008_alter_user_username_max_length', CURRENT_TIMESTAMP),
    ('auth', '0009_alter_user_last_name_max_length', CURRENT_TIMESTAMP),
    ('auth', '0010_alter_group_name_max_length', CURRENT_TIMESTAMP),
    ('auth', '0011_update_proxy_permissions', CURRENT_TIMESTAMP),
    ('auth', '0012_alter_user_first_name_max_length', CURRENT_TIMESTAMP),
    ('admin', '0001_initial', CURRENT_TIMESTAMP),
    ('admin', '0002_logentry_remove_auto_add', CURRENT_TIMESTAMP),
    ('admin', '0003_logentry_add_action_flag_choices', CURRENT_TIMESTAMP),
    ('sessions', '0001_initial', CURRENT_TIMESTAMP);

-- The portal's own documents name `core 0004_remove_main_portal_id_unique` only. The three before it carry the names
-- that Django gives by itself to what the tables show: the models, a field added behind all others, a field made unique.
-- Where the portal's files are named otherwise, change these four lines (nowhere else are they written down), or UPDATE
-- the rows before its first `migrate`.
INSERT INTO django_migrations (app, name, applied) VALUES
    ('core', '0001_initial', CURRENT_TIMESTAMP),
    ('core', '0002_userprofile_email_notifications', CURRENT_TIMESTAMP),
    ('core', '0003_alter_userprofile_main_portal_id', CURRENT_TIMESTAMP),
    ('core', '0004_remove_main_portal_id_unique', CURRENT_TIMESTAMP);
