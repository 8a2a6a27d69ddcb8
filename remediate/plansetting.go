package remediate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// planInvitation deletes an invitation that is still open.
func planInvitation(c Case) access.Plan {
	i, ok := access.As[access.Invitation](current(c))
	switch {
	case !ok && c.Fresh == nil:
		return ask("delete the invitation of %s, if it is still open", c.Finding.Ref.Name)
	case !ok || i.Username != c.Finding.Ref.Name:
		return ask("the invitation of %s was not seen: look at it first", c.Finding.Ref.Name)
	case i.Status != "" && i.Status != "PENDING":
		return ask("the invitation of %s cannot be accepted any more: there is nothing to delete", i.Username)
	}
	op := access.Operation{Type: access.DeleteInvitation, Ref: c.Finding.Ref, Before: access.Box{State: i}}
	return access.Plan{
		Operations: []access.Operation{op}, Ceiling: access.CeilingAuto, Why: "delete the invitation of " + i.Username,
		Reversible: "no: it must be sent anew, and a mail goes out; it promised " + promised(i),
	}
}

func promised(i access.Invitation) string {
	out := []string{orNothing(strings.Join(i.OrgRoles, ", ")) + " on the organization"}
	for _, p := range i.Projects {
		out = append(out, strings.Join(p.Roles, ", ")+" on project "+p.Project)
	}
	if len(i.Teams) > 0 {
		out = append(out, "the teams "+strings.Join(i.Teams, ", "))
	}
	return strings.Join(out, "; ")
}

// defaultSecretHours is the cap that the rule book asks for where nothing else is known.
const defaultSecretHours = 2160

// planOrgSetting puts one setting of an org right: as it was before the causing change,
// where that changed it, or else as the rule asks for.
func planOrgSetting(c Case) access.Plan {
	now, ok := access.As[access.OrgSettings](current(c))
	if !ok || now.OrgID != c.Finding.Ref.Name {
		return ask("the settings of the organization were not seen: look at them first")
	}
	before, had := access.As[access.OrgSettings](c.Finding.Evidence.Before)
	switch c.Finding.Rule {
	case "org/support-access-unrestricted":
		return planSetting(c, access.SetOrgSetting, access.SettingEmployeeAccess, strconv.FormatBool(true), "have employees of MongoDB ask before they enter")
	case "org/secret-validity-unlimited":
		hours, why := defaultSecretHours, "; the rule may be set to less: then set that by hand"
		if had && before.MaxSecretValidityHours > 0 && before.MaxSecretValidityHours != now.MaxSecretValidityHours {
			hours, why = before.MaxSecretValidityHours, ", as it was before this change"
		}
		if now.MaxSecretValidityHours > 0 && now.MaxSecretValidityHours <= hours {
			return ask("secrets of service accounts may live %d hours: set what the rule asks for by hand", now.MaxSecretValidityHours)
		}
		return planSetting(c, access.SetOrgSetting, access.SettingSecretHours, strconv.Itoa(hours), fmt.Sprintf("let new secrets of service accounts live %d hours at most", hours)+why)
	}
	return putBackSetting(c, had)
}

// putBackSetting is for rules of users: the one setting of those that are written which the
// causing change changed.
func putBackSetting(c Case, had bool) access.Plan {
	var changed []string
	for _, s := range []string{access.SettingEmployeeAccess, access.SettingSecretHours} {
		if had && access.SettingOf(c.Finding.Evidence.Before, s) != access.SettingOf(current(c), s) {
			changed = append(changed, s)
		}
	}
	if len(changed) != 1 {
		return ask("which setting it is about, and what it was before, is not known: set it by hand")
	}
	return planSetting(c, access.SetOrgSetting, changed[0], access.SettingOf(c.Finding.Evidence.Before, changed[0]), "put "+changed[0]+" back")
}

func planDataExplorer(c Case) access.Plan {
	if _, ok := access.As[access.ProjectSettings](current(c)); !ok {
		return ask("disable Data Explorer in the settings of the project, after a look at who uses it")
	}
	return planSetting(c, access.SetProjectSetting, access.SettingDataExplorer, strconv.FormatBool(false), "disable Data Explorer in the project")
}

// planSetting writes one field. The way back writes what it was, where Atlas takes that.
func planSetting(c Case, t access.OperationType, setting, value, why string) access.Plan {
	now := current(c)
	was := access.SettingOf(now, setting)
	if was == value {
		return ask("%s is %s: there is nothing to set", setting, value)
	}
	op := access.Operation{Type: t, Ref: c.Finding.Ref, Before: now, Setting: setting, Value: value}
	back := access.Operation{Type: t, Ref: c.Finding.Ref, Before: effect(op, now), Setting: setting, Value: was}
	p := access.Plan{Operations: []access.Operation{op}, Inverse: []access.Operation{back}, Ceiling: access.CeilingAuto, Reversible: "yes", Why: why}
	if setting == access.SettingSecretHours && was == "0" {
		p.Inverse[0].Value = strconv.Itoa(access.MaxSecretHours)
		p.Reversible = fmt.Sprintf("not wholly: that no cap is set cannot be written; the way back sets %d hours, the most that Atlas takes", access.MaxSecretHours)
	}
	return p
}
