from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Automatically assign Admin group to superusers"

    def handle(self, *args, **options):
        group, _ = Group.objects.get_or_create(name="Admin")
        for user in User.objects.filter(is_superuser=True).exclude(groups=group):
            user.groups.add(group)
            self.stdout.write(f"{user.username}: Admin")
