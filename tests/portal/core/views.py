from django.contrib.auth.decorators import login_required
from django.http import HttpResponse


@login_required
def home(request):
    """The first page after signing in; without a profile the portal can't draw it."""
    return HttpResponse(f"Welcome, {request.user.username}. Your department: {request.user.profile.department}.")
