from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db.models import Count

from core.models import UserProfile


class Command(BaseCommand):
    help = "Comprehensive user profile integrity checking and repair"

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *args, dry_run, **options):
        without = User.objects.filter(profile__isnull=True)
        doubled = UserProfile.objects.values("user_id").annotate(n=Count("id")).filter(n__gt=1)
        orphans = UserProfile.objects.exclude(user_id__in=User.objects.values("id"))
        self.stdout.write(f"without: {len(without)}, doubled: {len(doubled)}, orphans: {len(orphans)}")
        if dry_run:
            return
        for row in doubled:
            keep = UserProfile.objects.filter(user_id=row["user_id"]).earliest("id")
            UserProfile.objects.filter(user_id=row["user_id"]).exclude(id=keep.id).delete()
        orphans.delete()
        for user in without:
            UserProfile.objects.get_or_create(user=user)
