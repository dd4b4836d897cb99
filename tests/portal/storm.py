"""Many changes to the same few users by the portal itself, while other programs change them too.

Django's admin takes no lock: of two saves at once the later overwrites the earlier, whole row over whole row, and that
is Django's to answer for. Here every change locks the user's rows first, so that what is lost can only be lost by the
others; the saves themselves are the admin's own, form, signal, log and all, and those of the portal's code.
"""

import random

from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.db.models.signals import post_save

from core.models import UserProfile

USER = ("id", "password", "is_superuser", "username", "first_name", "last_name", "email", "is_staff", "is_active")
PROFILE = ("id", "user_id", "department_id", "phone_number", "main_portal_id", "email_notifications")
MEMBERS = User.groups.through

# The profiles that this process made: it may also find one that somebody else made a moment ago.
MADE = set()


def note_made(instance, created, **_):
    if created:
        MADE.add(instance.pk)


post_save.connect(note_made, sender=UserProfile)


class Refused(Exception):
    """The admin did not take the form."""


def rows_of(pk, lock=False):
    """A user's rows as `{(table, key): image}`; locked in the order in which portaldesk locks them."""
    if lock and connection.vendor == "sqlite":
        # SELECT FOR UPDATE is nothing there; a first write makes the transaction a writing one.
        User.objects.filter(pk=pk).update(last_login=F("last_login"))

    def read(objects):
        return objects.select_for_update() if lock else objects

    rows = {}
    for user in read(User.objects.filter(pk=pk)):
        rows["auth_user", str(pk)] = {name: getattr(user, name) for name in USER}
    for member in read(MEMBERS.objects.filter(user_id=pk).order_by("id")):
        rows["auth_user_groups", f"{pk} {member.group_id}"] = {}
    for profile in read(UserProfile.objects.filter(user_id=pk)):
        rows["core_userprofile", str(profile.pk)] = {name: getattr(profile, name) for name in PROFILE}
    return rows


def changed(before, after):
    """What became of the rows, as the journal would have it."""
    changes = []
    for table, key in sorted({*before, *after}):
        old, new = before.get((table, key)), after.get((table, key))
        by_others = table == "core_userprofile" and old is None and int(key) not in MADE
        if old != new and not by_others:
            changes.append({"table": table, "key": key, "before": old, "after": new})
    return changes


class Storm:
    def __init__(self, browser, seed, users, groups, departments):
        self.browser, self.random = browser, random.Random(seed)
        self.users, self.groups, self.departments = users, groups, departments
        self.number = 0

    def save_in_admin(self, user):
        """The change form as a browser sends it."""
        profile = UserProfile.objects.filter(user=user).first()
        groups = set(user.groups.values_list("pk", flat=True))
        if self.random.random() < 0.3:
            groups ^= {self.random.choice(self.groups)}
        data = {
            "username": user.username,
            "first_name": f"django {self.number}",
            "last_name": user.last_name,
            "email": user.email,
            "groups": list(groups),
            "date_joined_0": user.date_joined.strftime("%Y-%m-%d"),
            "date_joined_1": user.date_joined.strftime("%H:%M:%S"),
            "last_login_0": "",
            "last_login_1": "",
            "profile-TOTAL_FORMS": 1,
            "profile-INITIAL_FORMS": int(profile is not None),
            "profile-0-user": user.pk,
            "profile-0-email_notifications": "on",
        }
        if user.is_active:
            data["is_active"] = "on"
        if profile:
            data["profile-0-id"] = profile.pk
            data["profile-0-department"] = self.random.choice(["", *self.departments])
            data["profile-0-phone_number"] = profile.phone_number or ""
            data["profile-0-main_portal_id"] = profile.main_portal_id or ""
        response = self.browser.post(f"/admin/auth/user/{user.pk}/change/", data)
        if response.status_code >= 500:
            raise response.exc_info[1]
        if response.status_code != 302:
            raise Refused([response.context["errors"]])

    def save_profile(self, user):
        profile = UserProfile.objects.filter(user=user).first()
        if profile:
            profile.phone_number = f"django {self.number}"
            profile.save()

    def change_groups(self, user):
        group = self.random.choice(self.groups)
        if user.groups.filter(pk=group).exists():
            user.groups.remove(group)
        else:
            user.groups.add(group)

    def delete_profile(self, user):
        UserProfile.objects.filter(user=user).delete()

    def one(self):
        self.number += 1
        pk = self.random.choice(self.users)
        kinds = [self.save_in_admin, self.save_profile, self.change_groups, self.delete_profile]
        change = self.random.choices(kinds, [10, 4, 4, 2])[0]
        try:
            with transaction.atomic():
                before = rows_of(pk, lock=True)
                change(User.objects.get(pk=pk))
                return changed(before, rows_of(pk)), None
        except (DatabaseError, Refused) as error:
            return [], f"{type(error).__name__}: {error}"


def run(browser, seed, operations, **where):
    """Every change that was committed, in order, and how often each error came."""
    storm, changes, errors = Storm(browser, seed, **where), [], {}
    for _ in range(operations):
        done, error = storm.one()
        changes.append(done)
        if error:
            errors[error] = errors.get(error, 0) + 1
    return {"changes": [change for change in changes if change], "errors": errors}
