from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand

from core.admin import ACCESS


class Command(BaseCommand):
    help = "Initialize required user groups for portal access"

    def handle(self, *args, **options):
        for name in ACCESS:
            _, made = Group.objects.get_or_create(name=name)
            self.stdout.write(f"{name}: {'created' if made else 'exists'}")
