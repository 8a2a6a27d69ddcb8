"""Org users, invitations, teams, project users and what teams may do in a project."""

from cycle import Cycle, live
from values import DROP


def named(key):
    return lambda run: f"{run.unique(key)}@example.com"


def by_id(*names):
    return lambda made, sent: {names[0]: made["id"]}


CYCLES = [
    Cycle(
        "org user",
        create="createOrgUser",
        get="getOrgUser",
        list="listOrgUsers",
        update="updateOrgUser",
        delete="removeOrgUser",
        item=by_id("userId"),
        sent={"username": named("invited"), "roles": {"orgRoles": ["ORG_MEMBER"]}, "teamIds": DROP},
        change={"roles": {"orgRoles": ["ORG_READ_ONLY"]}},
        created=("org", "INVITED_TO_ORG"),
        deleted=("org", ("ORG_INVITATION_DELETED", "REMOVED_FROM_ORG")),
    ),
    Cycle(
        "invitation to the org",
        create="createOrgInvite",
        get="getOrgInvite",
        list="listOrgInvites",
        update="updateOrgInviteById",
        delete="deleteOrgInvite",
        item=by_id("invitationId"),
        sent={"username": named("asked"), "roles": ["ORG_MEMBER"]},
        more={
            "teamIds": DROP,
            "groupRoleAssignments": lambda run: [{"groupId": run.group, "roles": ["GROUP_READ_ONLY"]}],
        },
        change={"roles": ["ORG_READ_ONLY"]},
        ignore=("groupRoleAssignments",),
        gone=400,  # INVALID_INVITATION_ID (atlas-api.md §1.4)
        created=("org", "INVITED_TO_ORG"),
        deleted=("org", "ORG_INVITATION_DELETED"),
    ),
    Cycle(
        "invitation to a project",
        create="createGroupInvite",
        get="getGroupInvite",
        list="listGroupInvites",
        update="updateGroupInviteById",
        delete="deleteGroupInvite",
        item=by_id("invitationId"),
        sent={"username": named("asked"), "roles": ["GROUP_READ_ONLY"]},
        variants=(False,),
        change={"roles": ["GROUP_OWNER"]},
        gone=400,
        created=("group", "INVITED_TO_GROUP"),
        deleted=("group", "GROUP_INVITATION_DELETED"),
    ),
    Cycle(
        "project user",
        create="addGroupUsers",
        get="getGroupUser",
        list="listGroupUsers",
        delete="removeGroupUser",
        item=by_id("userId"),
        sent={"username": named("guest"), "roles": ["GROUP_READ_ONLY"]},
        variants=(False,),
        created=("group", ("INVITED_TO_GROUP", "JOINED_GROUP")),
        deleted=("group", ("REMOVED_FROM_GROUP", "GROUP_INVITATION_DELETED")),
    ),
]


def lives(run):
    for c in CYCLES:
        live(run, c)
    for resource, life in (
        ("roles of an org user", org_roles),
        ("roles of a project user", group_roles),
        ("team and its members", team),
        ("team in a project", team_grant),
        ("team by the older calls", old_team),
        ("org roles by the older call", old_roles),
        ("older invitations by e-mail address", old_invites),
    ):
        if not run.only or run.only in resource:
            with run.resource(resource):
                life(run)


def member(run, status_of="ACTIVE"):
    """A person of the org whose account is active and who does not own it."""
    for u in run.rows("listOrgUsers"):
        if u["orgMembershipStatus"] == status_of and "ORG_OWNER" not in u["roles"]["orgRoles"]:
            return u
    run.check(False, f"listOrgUsers: the world has no {status_of} user who is no owner")
    raise StopIteration("a user")


def org_roles(run):
    at = {"userId": member(run)["id"]}
    before = run.call("getOrgUser", at).body["roles"]["orgRoles"]
    got = run.call("addOrgUserRole", at, run.make("addOrgUserRole", {"orgRole": "ORG_BILLING_READ_ONLY"})).body
    by = run.actor
    run.check("ORG_BILLING_READ_ONLY" in got["roles"]["orgRoles"], "addOrgUserRole: the answer lacks the role")
    run.event("org", "USER_ROLES_CHANGED_AUDIT", by)
    run.check(
        set(run.call("getOrgUser", at).body["roles"]["orgRoles"]) == {*before, "ORG_BILLING_READ_ONLY"},
        "getOrgUser: not the old roles and the added one",
    )
    run.call("removeOrgUserRole", at, run.make("removeOrgUserRole", {"orgRole": "ORG_BILLING_READ_ONLY"}))
    run.event("org", "USER_ROLES_CHANGED_AUDIT")
    run.check(
        set(run.call("getOrgUser", at).body["roles"]["orgRoles"]) == set(before),
        "getOrgUser: not the roles from before",
    )


def group_roles(run):
    person = member(run)
    made = run.call(
        "addGroupUsers", body=run.make("addGroupUsers", {"username": person["username"], "roles": ["GROUP_READ_ONLY"]})
    ).body
    run.event("group", "JOINED_GROUP")
    at = {"userId": made["id"]}
    run.call("addGroupUserRole", at, run.make("addGroupUserRole", {"groupRole": "GROUP_BACKUP_MANAGER"}))
    run.event("group", "USER_ROLES_CHANGED_AUDIT")
    run.check(
        set(run.call("getGroupUser", at).body["roles"]) == {"GROUP_READ_ONLY", "GROUP_BACKUP_MANAGER"},
        "getGroupUser: not both roles",
    )
    org_view = run.call("getOrgUser", at).body["roles"].get("groupRoleAssignments", [])
    run.check(
        any(
            a["groupId"] == run.group and set(a["groupRoles"]) == {"GROUP_READ_ONLY", "GROUP_BACKUP_MANAGER"}
            for a in org_view
        ),
        "getOrgUser: lacks the roles in the project",
    )
    run.call("removeGroupUserRole", at, run.make("removeGroupUserRole", {"groupRole": "GROUP_READ_ONLY"}))
    run.check(
        run.call("getGroupUser", at).body["roles"] == ["GROUP_BACKUP_MANAGER"],
        "getGroupUser: still has the removed role",
    )
    run.call(
        "removeGroupUserRole", at, run.make("removeGroupUserRole", {"groupRole": "GROUP_BACKUP_MANAGER"}), expect=403
    )
    run.call("removeGroupUser", at)
    run.event("group", "REMOVED_FROM_GROUP")
    run.check(
        all(u["id"] != made["id"] for u in run.rows("listGroupUsers")), "listGroupUsers: still holds the removed user"
    )
    run.check(
        any(u["id"] == made["id"] for u in run.rows("listOrgUsers")),
        "listOrgUsers: lost a user who was only removed from a project",
    )


def make_team(run):
    sent = run.make("createOrgTeam", {"name": run.unique("team"), "usernames": [member(run)["username"]]})
    made = run.call("createOrgTeam", body=sent).body
    run.reads_back("createOrgTeam, its answer", sent, made)
    return made


def team(run):
    made = make_team(run)
    by, at = run.actor, {"teamId": made["id"]}
    run.event("org", "TEAM_CREATED", by)
    run.check(run.call("getOrgTeam", at).body["name"] == made["name"], "getOrgTeam: another name")
    run.check(
        run.call("getOrgTeamByName", {"teamName": made["name"]}).body["id"] == made["id"],
        "getOrgTeamByName: another team",
    )
    run.check(any(t["id"] == made["id"] for t in run.rows("listOrgTeams")), "listOrgTeams: lacks it")
    new = run.unique("renamed")
    run.call("renameOrgTeam", at, run.make("renameOrgTeam", {"name": new}))
    run.event("org", "TEAM_NAME_CHANGED")
    run.check(run.call("getOrgTeam", at).body["name"] == new, "getOrgTeam: not renamed")
    members = run.rows("listOrgTeamUsers", at)
    run.check(len(members) == 1, f"listOrgTeamUsers: {len(members)} and not the one who was named")
    person = members[0]
    run.call("removeOrgTeamUser", at, run.make("removeOrgTeamUser", {"id": person["id"]}))
    run.event("org", "REMOVED_FROM_TEAM")
    run.check(run.rows("listOrgTeamUsers", at) == [], "listOrgTeamUsers: the removed member is still there")
    got = run.call("addOrgTeamUser", at, run.make("addOrgTeamUser", {"id": person["id"]})).body
    run.event("org", "JOINED_TEAM")
    run.check(made["id"] in got.get("teamIds", []), "addOrgTeamUser: the answer's teamIds lack the team")
    run.check(
        made["id"] in run.call("getOrgUser", {"userId": person["id"]}).body.get("teamIds", []),
        "getOrgUser: its teamIds lack the team",
    )
    run.call("deleteOrgTeam", at)
    run.event("org", "TEAM_DELETED")
    run.call("getOrgTeam", at, expect=404)
    run.check(
        all(t["id"] != made["id"] for t in run.rows("listOrgTeams")), "listOrgTeams: still holds the deleted team"
    )
    run.check(
        made["id"] not in run.call("getOrgUser", {"userId": person["id"]}).body.get("teamIds", []),
        "getOrgUser: still names the deleted team",
    )


def team_grant(run):
    made = make_team(run)
    at = {"teamId": made["id"]}
    sent = run.make("addGroupTeams", {"teamId": made["id"], "roleNames": ["GROUP_READ_ONLY"]})
    got = run.call("addGroupTeams", body=sent).body
    by = run.actor
    run.check(any(t["teamId"] == made["id"] for t in got["results"]), "addGroupTeams: the answer lacks the team")
    run.event("group", "TEAM_ADDED_TO_GROUP", by)
    run.event("org", "TEAM_ADDED_TO_GROUP", by)
    run.reads_back("getGroupTeam", sent[0], run.call("getGroupTeam", at).body)
    run.check(any(t["teamId"] == made["id"] for t in run.rows("listGroupTeams")), "listGroupTeams: lacks it")
    flat = run.rows("listGroupUsers", query={"flattenTeams": "true"})
    plain = run.rows("listGroupUsers")
    person = run.rows("listOrgTeamUsers", at)[0]["id"]
    run.check(any(u["id"] == person for u in flat), "listGroupUsers with flattenTeams: lacks the team's member")
    run.check(all(u["id"] != person for u in plain), "listGroupUsers without flattenTeams: shows the team's member")
    change = run.make("updateGroupTeam", {"teamId": made["id"], "roleNames": ["GROUP_BACKUP_MANAGER"]})
    run.call("updateGroupTeam", at, change)
    by = run.actor
    run.event("group", "TEAM_ROLES_MODIFIED", by)
    run.event("org", "TEAM_ROLES_MODIFIED", by)
    run.reads_back("getGroupTeam after the change", change, run.call("getGroupTeam", at).body)
    run.call("updateGroupTeam", at, change)
    run.reads_back("getGroupTeam after the same change", change, run.call("getGroupTeam", at).body)
    run.call("deleteOrgTeam", at, expect=404)  # CANNOT_DELETE_TEAM_ASSIGNED_TO_PROJECT
    run.call("removeGroupTeam", at)
    run.event("group", "TEAM_REMOVED_FROM_GROUP")
    run.check(
        all(t["teamId"] != made["id"] for t in run.rows("listGroupTeams")),
        "listGroupTeams: still holds the removed team",
    )
    run.call("deleteOrgTeam", at)


def old_team(run):
    made = make_team(run)
    at = {"teamId": made["id"]}
    person = run.rows("listOrgTeamUsers", at)[0]["id"]
    run.call("removeOrgTeamUserFromTeam", at | {"userId": person})
    run.event("org", "REMOVED_FROM_TEAM")
    run.call("addOrgTeamUsers", at, run.make("addOrgTeamUsers", {"id": person}))
    run.event("org", "JOINED_TEAM")
    run.check(
        any(u["id"] == person for u in run.rows("listOrgTeamUsers", at)), "listOrgTeamUsers: lacks the added user"
    )
    run.call("deleteOrgTeam", at)


def old_roles(run):
    person = member(run)
    before = person["roles"]["orgRoles"]
    at = {"userId": person["id"]}
    run.call("updateOrgUserRoles", at, run.make("updateOrgUserRoles", {"orgRoles": ["ORG_READ_ONLY"]}))
    run.event("org", "USER_ROLES_CHANGED_AUDIT")
    run.check(
        run.call("getOrgUser", at).body["roles"]["orgRoles"] == ["ORG_READ_ONLY"],
        "getOrgUser: not the roles that were put",
    )
    run.call("updateOrgUserRoles", at, run.make("updateOrgUserRoles", {"orgRoles": before}))
    run.check(
        run.call("getUser", {"userId": person["id"]}).body["username"] == person["username"], "getUser: another name"
    )
    run.check(
        run.call("getUserByName", {"userName": person["username"]}).body["id"] == person["id"],
        "getUserByName: another id",
    )


def old_invites(run):
    address = f"{run.unique('asked')}@example.com"
    made = run.call(
        "createOrgInvite", body=run.make("createOrgInvite", {"username": address, "roles": ["ORG_MEMBER"]})
    ).body
    run.call("updateOrgInvites", body=run.make("updateOrgInvites", {"username": address, "roles": ["ORG_READ_ONLY"]}))
    run.check(
        run.call("getOrgInvite", {"invitationId": made["id"]}).body["roles"] == ["ORG_READ_ONLY"],
        "getOrgInvite: not the changed roles",
    )
    found = run.rows("listOrgInvites", query={"username": address})
    run.check([i["id"] for i in found] == [made["id"]], "listOrgInvites: the filter by username does not find it alone")
    run.check(
        any(u["username"] == address and u["orgMembershipStatus"] == "PENDING" for u in run.rows("listOrgUsers")),
        "listOrgUsers: lacks the pending user",
    )
    run.call("deleteOrgInvite", {"invitationId": made["id"]})
    run.check(run.look("getOrgInvite", {"invitationId": made["id"]}) != 200, "getOrgInvite: still there")
