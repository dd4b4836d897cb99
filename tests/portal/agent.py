"""The portal in the hands of a test.

One request a line on standard input, a JSON object whose `do` names a function below and whose other keys are its
arguments; one answer a line on standard output, `{"ok": ...}` or, where it raised, `{"raised": "ValueError: ..."}`.
PORTAL_DATABASE holds Django's settings of the database. Ends with its input.
"""

import html
import io
import json
import os
import re
import sys
from html.parser import HTMLParser

import django

ANSWERS = os.fdopen(os.dup(1), "w", encoding="utf-8")
# What Django or the portal prints must not stand among the answers.
os.dup2(2, 1)

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()

from django.contrib.admin.models import LogEntry  # noqa: E402
from django.contrib.auth import authenticate as django_authenticate  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from core.models import Department  # noqa: E402

# Responses keep their contexts.
setup_test_environment()

BROWSER = Client(raise_request_exception=False)


def text_of(response):
    """What a person reads of a page."""
    page = response.content.decode(errors="replace")
    page = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def seen(response):
    """A response as a test sees it: where an exception came out of the portal, its name and words."""
    answer = {"status": response.status_code, "location": response.headers.get("Location")}
    if response.status_code >= 500 and response.exc_info:
        kind, raised, _ = response.exc_info
        answer["raised"] = f"{kind.__name__}: {raised}"
    elif response.status_code == 200:
        answer["text"] = text_of(response)
        answer["form"] = Form(response.content.decode()).data
    return answer


class Form(HTMLParser):
    """What a browser would send of the page's form without anybody touching it."""

    def __init__(self, page):
        super().__init__()
        self.data, self.inside, self.select, self.area = {}, False, None, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name = attrs.get("name")
        if tag == "form":
            # The admin's pages have forms for logging out and for the theme beside the one that is meant.
            self.inside = attrs.get("id", "").endswith("_form") and attrs["id"] != "logout-form"
        elif not self.inside:
            return
        elif tag == "input" and name:
            kind = attrs.get("type", "text")
            if kind in ("checkbox", "radio"):
                if "checked" in attrs:
                    self.data[name] = attrs.get("value", "on")
            elif kind not in ("submit", "button", "file"):
                self.data[name] = attrs.get("value") or ""
        elif tag == "select" and name:
            self.select = (name, "multiple" in attrs)
            if "multiple" in attrs:
                self.data[name] = []
        elif tag == "option" and self.select and "selected" in attrs:
            name, multiple = self.select
            if multiple:
                self.data[name].append(attrs.get("value", ""))
            else:
                self.data[name] = attrs.get("value", "")
        elif tag == "textarea" and name:
            self.area, self.data[name] = name, ""

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None

    def handle_data(self, data):
        if self.area:
            self.data[self.area] += data


def version():
    return list(django.VERSION[:2])


def authenticate(username, password):
    return django_authenticate(username=username, password=password) is not None


def sign_in(username, password):
    """The portal's own form, in a new browser: where it leads, and what the first page answers."""
    browser = Client(raise_request_exception=False)
    answer = seen(browser.post("/login/", {"username": username, "password": password}))
    if answer["status"] == 302:
        answer["home"] = seen(browser.get("/"))
    return answer


def enter(username, password):
    """Signs the browser of the requests below in by the admin's login form."""
    BROWSER.logout()
    data = {"username": username, "password": password, "next": "/admin/"}
    return seen(BROWSER.post("/admin/login/", data))


def get(url):
    return seen(BROWSER.get(url))


def submit(url, fields):
    """Opens a page, fills these fields into its form (null unticks a box) and sends it as a browser would."""
    response = BROWSER.get(url)
    if response.status_code != 200:
        return seen(response)
    data = Form(response.content.decode()).data
    for name, value in fields.items():
        if value is None:
            data.pop(name, None)
        else:
            data[name] = value
    response = BROWSER.post(url, data)
    answer = seen(response)
    if response.status_code == 200 and response.context and "errors" in response.context:
        answer["errors"] = [str(error) for errors in response.context["errors"] for error in errors]
    return answer


def add_user(username, password, hasher="default", **fields):
    """A user as the portal's code makes one; the id."""
    user = User(username=username, **fields)
    user.password = make_password(password, hasher=hasher)
    user.save()
    return user.pk


def log(username):
    """The portal's history of a user, oldest first, as its pages word it."""
    entries = LogEntry.objects.filter(content_type__model="user", object_id=User.objects.get(username=username).pk)
    return [[entry.user.username, entry.get_change_message()] for entry in entries.order_by("pk")]


def entries(model, pk):
    """The portal's history of an object, there or deleted, oldest first: what was done, and as its pages word it."""
    found = LogEntry.objects.filter(content_type__model=model, object_id=str(pk)).order_by("pk")
    return [[entry.user.username, entry.action_flag, entry.object_repr, entry.get_change_message()] for entry in found]


def group(pk):
    """What the portal sees of a group; null when there is none."""
    found = Group.objects.filter(pk=pk).first()
    return found and {
        "name": found.name,
        "permissions": sorted(found.permissions.values_list("codename", flat=True)),
        "members": sorted(found.user_set.values_list("username", flat=True)),
    }


def department(pk):
    """What the portal sees of a department; null when there is none."""
    found = Department.objects.filter(pk=pk).first()
    return found and {
        "name": found.name,
        "description": found.description,
        "is_active": found.is_active,
        "members": sorted(found.userprofile_set.values_list("user__username", flat=True)),
    }


def user(username):
    """What the portal sees of a user; null when there is none."""
    found = User.objects.filter(username=username).first()
    if found is None:
        return None
    columns = ("id", "username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser")
    profile = found.profile
    return {
        **{name: getattr(found, name) for name in columns},
        "algorithm": found.password.split("$")[0],
        "groups": sorted(found.groups.values_list("name", flat=True)),
        "permissions": sorted(found.get_all_permissions()),
        "profile": {
            "department": profile.department and profile.department.name,
            "phone_number": profile.phone_number,
            "main_portal_id": profile.main_portal_id,
            "email_notifications": profile.email_notifications,
        },
    }


def command(name, arguments=()):
    """What `manage.py` prints; a command that ends with an exit code gives that behind it."""
    out = io.StringIO()
    try:
        call_command(name, *arguments, stdout=out, stderr=out)
    except SystemExit as end:
        out.write(f"exit {end.code}")
    return out.getvalue()


def storm(**how):
    """Many changes by the browser's user; see storm.py."""
    import storm

    return storm.run(BROWSER, **how)


def answer_to(request):
    try:
        return {"ok": globals()[request.pop("do")](**request)}
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer_to(json.loads(line))), file=ANSWERS, flush=True)
