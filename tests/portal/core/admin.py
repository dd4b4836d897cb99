from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm, UserCreationForm
from django.contrib.auth.models import Group, User

from .models import Department, UserProfile

ACCESS = ("Admin", "AMC Admin", "Engineer")


class UserProfileInline(admin.StackedInline):
    model = UserProfile
    can_delete = False


class CustomUserCreationForm(UserCreationForm):
    groups = forms.ModelMultipleChoiceField(queryset=Group.objects.all(), required=False)

    class Meta(UserCreationForm.Meta):
        fields = ("username", "groups")


class CustomUserAdmin(UserAdmin):
    form = UserChangeForm
    add_form = CustomUserCreationForm
    inlines = (UserProfileInline,)
    list_display = (
        "username",
        "email",
        "first_name",
        "last_name",
        "get_groups",
        "get_access_level",
        "is_active",
        "date_joined",
    )
    add_fieldsets = (
        (None, {"fields": ("username", "password1", "password2")}),
        ("Portal Access Control", {"fields": ("groups",)}),
    )

    @admin.display(description="Groups")
    def get_groups(self, user):
        return ", ".join(user.groups.order_by("name").values_list("name", flat=True))

    @admin.display(description="Access level")
    def get_access_level(self, user):
        if user.is_superuser:
            return "Superuser"
        names = set(user.groups.values_list("name", flat=True))
        return next((name for name in ACCESS if name in names), "No portal access")

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            UserProfile.objects.get_or_create(user=obj)


admin.site.unregister(User)
admin.site.register(User, CustomUserAdmin)
admin.site.register(Department)
