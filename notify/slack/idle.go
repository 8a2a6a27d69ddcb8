package slack

import (
	"regexp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// idle is how it stands where nobody is asked and nothing is being written, with the next step.
func idle(r *rich, s notify.Story, a access.Action) {
	switch a.State {
	case access.ActionVetoed:
		r.say("🚫 ").bold("Denied").say(": nothing is written for it, and it still stands").why(a.Why)
		next(r, "put it right by hand, or keep it for a while with a reason")
	case access.ActionExpired:
		r.say("⌛ ").bold("Nobody decided in time").say(": nothing is written for it, and it still stands").why(a.Why)
		next(r, "put it right by hand, or keep it for a while with a reason")
	case access.ActionFailed:
		r.say("❌ ").bold("Could not be put right").say(" (" + class(a) + "): ").also(a.Why)
		byHand(r, a)
	case access.ActionRefused:
		r.say("✋ ").bold("Not touched").say(", by the guard ").code(guardWord(a.Guard)).say(": ").also(a.Why)
		next(r, guardStep(a.Guard))
	case access.ActionStale:
		r.say("🔄 ").bold("Not carried out").say(": what it rested on has changed since").why(a.Why)
		next(r, "look at how it is now; it is judged again by itself")
	case access.ActionSuperseded:
		r.say("✅ ").bold("Put right by somebody else").say(", before anything was written").why(a.Why)
	case access.ActionUndone:
		r.say("🔙 ").bold("Taken back").say(": what was closed is open again").why(a.Why)
	case access.ActionTold:
		r.say("👀 ").bold("Told").say(": nothing is written for it").why(a.Why)
		next(r, "put it right where it was made, or say that it is meant")
	case access.ActionProposed, access.ActionAwaiting:
		r.say("💤 ").bold("Waits").say(": ").also(a.Why)
		if a.Guard != "" {
			r.say(" (the guard ").code(guardWord(a.Guard)).say(")")
		}
	default:
		r.say("👀 ").bold("Stands open").say(": it is not decided yet what is done about it")
	}
}

func next(r *rich, what string) { r.line().say("👉 ").bold("Next").say(": " + what) }

func byHand(r *rich, a access.Action) {
	r.line().say("👉 ").bold("Next").say(": put it right by hand")
	for i, o := range a.Plan.Operations {
		if i == 3 {
			r.say(" …")
			break
		}
		r.say(": ").prose(o.Describe())
	}
}

// class is of what kind a failure is, by what there is to tell it from: a guard, or Atlas's status
// code in the reason.
func class(a access.Action) string {
	if a.Guard != "" {
		return guardWord(a.Guard)
	}
	switch code := statusCode.FindString(a.Why); {
	case code == "401" || code == "403":
		return "Atlas does not let our credential"
	case code == "404":
		return "it is gone"
	case code == "409":
		return "somebody else changed it at the same time"
	case code == "429":
		return "Atlas asks for fewer calls"
	case code != "" && code[0] == '5':
		return "an error of Atlas"
	}
	return "Atlas did not take it"
}

var statusCode = regexp.MustCompile(`\b(401|403|404|409|429|5\d\d)\b`)

// guardWord is a guard's name, as docs/decisions.md has it; it is stored, and so cleaned like all
// that is.
func guardWord(guard string) string { return Name(guard, 40) }

// guardStep is what to do where a guard keeps an action from being carried out.
func guardStep(guard string) string {
	switch guard {
	case "dry_run":
		return "dry run is on here, so nothing is ever written: put it right by hand, or turn dry_run off"
	case "no_credentials":
		return "no credential may write here: put it right by hand, or configure one"
	case "forbidden":
		return "give the credential that writes the role for it, or put it right by hand"
	case "skew":
		return "correct the clock of this machine; it goes on by itself"
	case "unknown", "suspect":
		return "it goes on by itself once all of it can be read again; until then put it right by hand"
	case "environment_unknown":
		return "say in the configuration of which environment the project is, or put it right by hand"
	case "inherited":
		return "it was there before: put it right by hand, or make it actionable with gatewarden adopt"
	case "ceiling":
		return "this is only ever told: put it right by hand"
	case "never_touch", "own_access", "last_way_in":
		return "it is left alone on purpose: whoever knows why changes it by hand"
	case "ownership":
		return "change it in the code that owns it, or it comes back"
	case "war":
		return "find out who keeps putting it back, and agree with them"
	case "cap_project", "cap_org":
		return "so much was written in this hour that it looks like a mistake: look at it, and put it right by hand"
	case "freeze":
		return "everything is frozen: gatewarden unfreeze, once that is safe"
	case "incident":
		return "an incident is open, and nothing is reverted unasked: decide, or put it right by hand"
	case "stopped":
		return "the rule was stopped after it had done harm: look at that first"
	case "taken_back":
		return "people took it back before, and let it stand: talk to them"
	}
	return "put it right by hand, or waive it for a while if it is meant"
}
