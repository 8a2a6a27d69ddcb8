package report

import (
	"cmp"
	"slices"
	"strings"
)

func effectTitle(e Effect) string {
	return map[Effect]string{
		EffectOpens: "opens", EffectLapses: "opens, since a waiver ends", EffectCloses: "closes", EffectWaived: "is waived", EffectUnknown: "can be judged no more",
		EffectKnown: "can be judged again", EffectSeverity: "another severity", EffectResponse: "is answered otherwise",
	}[e]
}

// deedWord is a deed as people say it.
func deedWord(d Deed) string {
	return map[Deed]string{
		DeedNothing: "nothing", DeedTell: "told", DeedTicket: "ticket", DeedAsk: "asked", DeedRevert: "reverted", DeedRefuse: "refused", DeedUnknown: "unknown",
	}[d]
}

func environmentWords(list []string) string {
	out := slices.Clone(list)
	for i := range out {
		out[i] = cmp.Or(out[i], "orgs and projects without an environment")
	}
	return strings.Join(out, ", ")
}

// lines are why, by what, and what would be done, a line each.
func (t previewTable) lines(f PreviewFinding) string {
	var out []string
	if f.Why != "" {
		out = append(out, f.Why)
	}
	if text := becauseWords(f.Because); text != "" {
		out = append(out, "because of "+text)
	}
	if f.New != nil {
		out = append(out, f.New.nowWords(), f.New.thenWords())
	}
	return strings.Join(slices.DeleteFunc(out, func(s string) bool { return s == "" }), "\n")
}

func becauseWords(list []Because) string {
	var out []string
	for _, b := range list {
		out = append(out, strings.TrimSpace(b.Part+placed(b.File, b.Line)))
	}
	if len(list) > 1 && list[0].Jointly {
		return strings.Join(out, " and ") + " together"
	}
	return strings.Join(out, ", and ")
}

func (a Answer) nowWords() string {
	if a.Now == DeedNothing && a.Then == DeedNothing {
		return ""
	}
	text := "now: " + map[Deed]string{DeedNothing: "nothing is done", DeedTell: "it is told", DeedTicket: "a ticket", DeedRevert: "it is reverted", DeedRefuse: "refused", DeedAsk: "people are asked"}[a.Now]
	if a.NowWhy != "" {
		text += "; " + a.NowWhy
	}
	return text
}

// thenWords are what becomes of a new one.
func (a Answer) thenWords() string {
	text := "a new one: " + map[Deed]string{
		DeedNothing: "nothing is done", DeedTell: "would be told", DeedTicket: "would become a ticket", DeedRevert: "would be reverted", DeedRefuse: "would be refused",
		DeedAsk: "would be asked about", DeedUnknown: "unknown",
	}[a.Then]
	if a.Guard != "" {
		text += " (" + a.Guard + ")"
	}
	switch {
	case a.Plan != nil && len(a.Plan.Operations) > 0 && (a.Then == DeedRevert || a.Then == DeedAsk):
		var ops []string
		for _, o := range a.Plan.Operations {
			ops = append(ops, o.Describe())
		}
		text += ": " + strings.Join(ops, ", then ")
		if a.Plan.Reversible != "" {
			text += "; can be taken back: " + a.Plan.Reversible
		}
	case a.ThenWhy != "":
		text += ": " + a.ThenWhy
	}
	if q := a.Ask; q != nil {
		text += "; " + cmp.Or(q.Trouble, "by "+strings.Join(q.Can, ", "))
	}
	return text
}
