package sim

import (
	"fmt"
	"strconv"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// settingFlag is one setting of a project, with its default (guesses but for two that the
// document states) and the events it writes.
type settingFlag struct {
	name    string
	def     bool
	on, off string
}

// projectFlags are all settings. The real service has more than the SDK's document:
// isAtlasHomePageAiAssistantEnabled, and in newer ones isDataValidationEnabled.
func projectFlags() []settingFlag {
	return []settingFlag{
		{name: "isAtlasHomePageAiAssistantEnabled", def: true},
		{name: "isClusterAiAssistantEnabled", def: true},
		{name: "isCollectDatabaseSpecificsStatisticsEnabled", def: true},
		{"isDataExplorerEnabled", true, "DATA_EXPLORER_ENABLED", "DATA_EXPLORER_DISABLED"},
		{name: "isDataExplorerGenAIFeaturesEnabled", def: true},
		{name: "isDataExplorerGenAISampleDocumentPassingEnabled"},
		{name: "isDataValidationEnabled"},
		{name: "isExtendedStorageSizesEnabled"},
		{name: "isNativeRerankingEnabled"},
		{name: "isPerformanceAdvisorEnabled", def: true},
		{name: "isRealtimePerformancePanelEnabled", def: true},
		{name: "isSchemaAdvisorEnabled", def: true},
	}
}

func projectFlag(name string) (settingFlag, bool) {
	for _, f := range projectFlags() {
		if f.name == name {
			return f, true
		}
	}
	return settingFlag{}, false
}

func (p *project) flag(f settingFlag) bool {
	if v, set := p.settingFlags[f.name]; set {
		return v
	}
	return f.def
}

func (p *project) settingsView() object {
	out := object{}
	for _, f := range projectFlags() {
		out[f.name] = p.flag(f)
	}
	return out
}

func (c *call) getProjectSettings() (answer, *problem) { return ok(c.project.settingsView()) }

// updateProjectSettings changes what is sent.
func (c *call) updateProjectSettings() (answer, *problem) {
	doc, bad := c.documentKnowing([]string{"isAtlasHomePageAiAssistantEnabled", "isDataValidationEnabled"}, apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	for name, v := range doc {
		if _, isBool := v.(bool); v != nil && !isBool {
			return answer{}, wrongType(name)
		}
	}
	p := c.project
	before := text(p.settingsView())
	var kinds []string
	for _, f := range projectFlags() {
		want, sent := doc[f.name].(bool)
		if !sent || want == p.flag(f) {
			continue
		}
		if p.settingFlags == nil {
			p.settingFlags = map[string]bool{}
		}
		p.settingFlags[f.name] = want
		if kind := map[bool]string{true: f.on, false: f.off}[want]; kind != "" {
			kinds = append(kinds, kind)
		}
	}
	c.effect("project settings", before, text(p.settingsView()))
	for _, kind := range kinds {
		c.projectEvent(kind, nil)
	}
	return ok(p.settingsView())
}

// projectAddresses makes up three addresses a cluster, of the blocks that are kept for
// documentation.
func (c *call) projectAddresses() (answer, *problem) {
	clusters := []any{}
	for _, k := range c.project.clusters {
		clusters = append(clusters, object{
			"clusterName": k.Name, "inbound": c.addresses("198.51.100", k.Name), "outbound": c.addresses("203.0.113", k.Name),
			"futureInbound": []string{}, "futureOutbound": []string{},
		})
	}
	return ok(object{"groupId": c.project.id, "services": object{"clusters": clusters}})
}

func (c *call) addresses(block, cluster string) []string {
	digits := c.a.derive("address", c.project.id, cluster, block)
	out := make([]string, 3)
	for i := range out {
		n, _ := strconv.ParseUint(digits[2*i:2*i+2], 16, 8)
		out[i] = fmt.Sprintf("%s.%d", block, n)
	}
	return out
}
