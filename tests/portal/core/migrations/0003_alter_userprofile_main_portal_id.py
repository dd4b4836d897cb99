from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_userprofile_email_notifications")]

    operations = [
        migrations.AlterField(
            model_name="userprofile",
            name="main_portal_id",
            field=models.CharField(
                blank=True, help_text="Id in the main portal", max_length=100, null=True, unique=True
            ),
        ),
    ]
