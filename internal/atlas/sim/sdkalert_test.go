package sim

import "go.mongodb.org/atlas-sdk/v20250312020/admin"

// integrationLife is the life of a third party, of which a project has one a type. Atlas
// shows its secrets, and the addresses that are as good as one, masked.
func integrationLife(kind, hidden, want, then string) lifeCycle {
	return lifeCycle{"integration " + kind, "INTEGRATION_NOT_CONFIGURED", func(s *site) life {
		return life{
			want: want, then: then, hidden: hidden, key: "type",
			create: func(d string) (any, error) {
				return got(s.ThirdPartyIntegrationsApi.CreateGroupIntegration(s.ctx, kind, s.prod, to[admin.ThirdPartyIntegration](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.ThirdPartyIntegrationsApi.GetGroupIntegration(s.ctx, s.prod, id).Execute())
			},
			list: func() (any, error) {
				return got(s.ThirdPartyIntegrationsApi.ListGroupIntegrations(s.ctx, s.prod).Execute())
			},
			update: func(id, d string) (any, error) {
				return got(s.ThirdPartyIntegrationsApi.UpdateGroupIntegration(s.ctx, id, s.prod, part[admin.ThirdPartyIntegration](s, d)).Execute())
			},
			remove: func(id string) error {
				return done(s.ThirdPartyIntegrationsApi.DeleteGroupIntegration(s.ctx, id, s.prod).Execute())
			},
		}
	}}
}

func alertLife(name, want, then string) lifeCycle {
	return lifeCycle{"alert configuration " + name, "ALERT_CONFIG_NOT_FOUND", func(s *site) life {
		return life{
			want: want, then: then, hidden: "webhookUrl webhookSecret apiToken serviceKey datadogApiKey opsGenieApiKey",
			create: func(d string) (any, error) {
				return got(s.AlertConfigurationsApi.CreateAlertConfig(s.ctx, s.prod, to[admin.GroupAlertsConfig](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.AlertConfigurationsApi.GetAlertConfig(s.ctx, s.prod, id).Execute())
			},
			list: func() (any, error) { return got(s.AlertConfigurationsApi.ListAlertConfigs(s.ctx, s.prod).Execute()) },
			update: func(id, d string) (any, error) {
				return got(s.AlertConfigurationsApi.UpdateAlertConfig(s.ctx, s.prod, id, part[admin.GroupAlertsConfig](s, d)).Execute())
			},
			remove: func(id string) error {
				return done(s.AlertConfigurationsApi.DeleteAlertConfig(s.ctx, s.prod, id).Execute())
			},
		}
	}}
}

func alertLives() []lifeCycle {
	const hex = "00000000000000000000000000000033"
	return []lifeCycle{
		alertLife("of events", `{"eventTypeName":"JOINED_GROUP","enabled":true,"severityOverride":"CRITICAL",
			"notifications":[{"typeName":"EMAIL","emailAddress":"a@example.com","delayMin":0,"intervalMin":5},{"typeName":"GROUP","emailEnabled":true,"smsEnabled":false,"roles":["GROUP_OWNER"],"delayMin":1,"intervalMin":60}]}`,
			`{"eventTypeName":"JOINED_GROUP","enabled":false,"notifications":[{"typeName":"EMAIL","emailAddress":"b@example.com","delayMin":0,"intervalMin":10}]}`),
		alertLife("of hosts", `{"eventTypeName":"HOST_DOWN","enabled":true,"matchers":[{"fieldName":"HOSTNAME","operator":"STARTS_WITH","value":"a"}],
			"notifications":[{"typeName":"SLACK","apiToken":"fake-token","channelName":"ops","delayMin":0,"intervalMin":5}]}`, ""),
		alertLife("of a metric", `{"eventTypeName":"OUTSIDE_METRIC_THRESHOLD","enabled":true,"metricThreshold":{"metricName":"CONNECTIONS","operator":"GREATER_THAN","threshold":99,"units":"RAW","mode":"AVERAGE"},
			"notifications":[{"typeName":"PAGER_DUTY","serviceKey":"`+hex+`","delayMin":0}]}`,
			`{"eventTypeName":"OUTSIDE_METRIC_THRESHOLD","enabled":true,"metricThreshold":{"metricName":"CONNECTIONS","operator":"LESS_THAN","threshold":9.5,"units":"RAW","mode":"AVERAGE"},
			"notifications":[{"typeName":"PAGER_DUTY","serviceKey":"`+hex+`","delayMin":0}]}`),
		alertLife("with a threshold", `{"eventTypeName":"REPLICATION_OPLOG_WINDOW_RUNNING_OUT","enabled":true,"threshold":{"operator":"LESS_THAN","threshold":1,"units":"HOURS"},
			"notifications":[{"typeName":"WEBHOOK","webhookUrl":"https://hooks.example.com/a","webhookSecret":"fake-secret","delayMin":0,"intervalMin":5},{"typeName":"TEAM","teamId":"`+payments+`","emailEnabled":true,"smsEnabled":false,"delayMin":0,"intervalMin":5}]}`, ""),
		integrationLife("PAGER_DUTY", "serviceKey", `{"type":"PAGER_DUTY","region":"EU","serviceKey":"`+hex+`"}`, `{"type":"PAGER_DUTY","region":"US","serviceKey":"`+hex+`"}`),
		integrationLife("SLACK", "apiToken", `{"type":"SLACK","apiToken":"fake-token","channelName":"ops","teamName":"team"}`, `{"type":"SLACK","apiToken":"fake-token","channelName":"dev","teamName":"team"}`),
		integrationLife("DATADOG", "apiKey", `{"type":"DATADOG","apiKey":"`+hex+`","region":"EU","sendCollectionLatencyMetrics":true,"sendDatabaseMetrics":true,"sendQueryStatsMetrics":true,"sendUserProvidedResourceTags":true}`,
			`{"type":"DATADOG","apiKey":"`+hex+`","region":"US3","sendDatabaseMetrics":false}`),
		integrationLife("OPS_GENIE", "apiKey", `{"type":"OPS_GENIE","apiKey":"fake-key","region":"EU"}`, `{"type":"OPS_GENIE","apiKey":"fake-key","region":"US"}`),
		integrationLife("VICTOR_OPS", "apiKey", `{"type":"VICTOR_OPS","apiKey":"fake-key","routingKey":"test"}`, `{"type":"VICTOR_OPS","apiKey":"fake-key","routingKey":"live"}`),
		integrationLife("WEBHOOK", "url secret", `{"type":"WEBHOOK","url":"https://hooks.example.com/a","secret":"fake-secret"}`, `{"type":"WEBHOOK","url":"https://hooks.example.com/b","secret":"fake-secret"}`),
		integrationLife("MICROSOFT_TEAMS", "microsoftTeamsWebhookUrl", `{"type":"MICROSOFT_TEAMS","microsoftTeamsWebhookUrl":"https://teams.example.com/a"}`, `{"type":"MICROSOFT_TEAMS","microsoftTeamsWebhookUrl":"https://teams.example.com/b"}`),
		integrationLife("PROMETHEUS", "password", `{"type":"PROMETHEUS","enabled":true,"username":"scraper","password":"fake-password","serviceDiscovery":"http","sendUserProvidedResourceTagsEnabled":true}`,
			`{"type":"PROMETHEUS","enabled":false,"username":"scraper","password":"fake-password","serviceDiscovery":"file"}`),
	}
}
