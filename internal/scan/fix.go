package scan

import "github.com/gatewarden/gatewarden/internal/access"

// fix is what a person can do about a finding, by its rule's remedy.
func fix(f access.Finding) string {
	switch f.Remedy {
	case "delete-entries", "delete-entry":
		return "Delete the entry from the project's IP access list, after making sure that the addresses that are needed have an entry of their own."
	case "replace-entry":
		return "Replace the entry by narrower ones for the addresses that are needed."
	case "restore-scopes":
		return "Limit the user to the clusters that it needs: set its scopes."
	case "restore-roles":
		return "Give the user the roles of its purpose, and take the others away."
	case "remove-role":
		return "Take this role away."
	case "remove-scope":
		return "Take this scope away, unless it is the only one: a user without scopes exists everywhere."
	case "quarantine":
		return "Take all roles from the user (an empty list of roles), see that nothing breaks, and delete it later."
	case "set-team-roles":
		return "Give the team the roles of the access matrix, or change the matrix."
	case "restore-member-roles", "remove-member-role":
		return "Give the person the former roles back."
	case "remove-project-member":
		return "Remove the person from the project."
	case "delete-invitation":
		return "Delete the invitation."
	case "set-org-setting":
		return "Set it back in the organization's settings."
	case "disable-data-explorer":
		return "Turn Data Explorer off in the project's settings."
	case "restore-alert":
		return "Put the alert configuration back."
	}
	return ""
}
