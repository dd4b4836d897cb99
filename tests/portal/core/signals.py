import logging

from django.contrib.auth.models import User
from django.db.models.signals import post_save
from django.dispatch import receiver

from .models import UserProfile


@receiver(post_save, sender=User)
def create_or_update_user_profile(sender, instance, created, **kwargs):
    if kwargs.get("raw", False):
        return
    try:
        if created or not hasattr(instance, "profile"):
            UserProfile.objects.get_or_create(user=instance)
    except Exception:
        logging.exception("Error in profile creation")
