from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models


class Department(models.Model):
    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.name


class UserProfile(models.Model):
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    department = models.ForeignKey(Department, on_delete=models.SET_NULL, null=True, blank=True)
    phone_number = models.CharField(max_length=15, null=True, blank=True)
    main_portal_id = models.CharField(max_length=100, null=True, blank=True, help_text="Id in the main portal")
    email_notifications = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self):
        return f"{self.user.username}'s Profile"

    def clean(self):
        """A portal id that is not blank is nobody else's: what the unique index did before migration 0004."""
        others = UserProfile.objects.exclude(pk=self.pk)
        if self.main_portal_id and others.filter(main_portal_id=self.main_portal_id).exists():
            raise ValidationError({"main_portal_id": "This portal id is in use."})
