package sim

import (
	"net/url"
	"strings"
)

// secret says whether an attribute of an integration or a notification is starred in
// answers.
func secret(key string) bool {
	switch key {
	case "apiKey", "serviceKey", "apiToken", "licenseKey", "readToken", "writeToken", "secret", "password",
		"datadogApiKey", "notificationToken", "opsGenieApiKey", "victorOpsApiKey", "webhookSecret",
		"bodyTemplate", "headersTemplate", "webhookBodyTemplate", "webhookHeadersTemplate":
		return true
	}
	return secretURL(key)
}

func secretURL(key string) bool {
	return key == "url" || key == "webhookUrl" || key == "microsoftTeamsWebhookUrl"
}

// starred is how the real server shows a secret: the last four characters of it, or the
// host of a URL.
func starred(key, value string) string {
	if secretURL(key) {
		if u, err := url.Parse(value); err == nil && u.Host != "" {
			return u.Scheme + "://" + u.Host + "/****"
		}
		return "****"
	}
	shown := max(0, len(value)-4)
	if len(value) <= 4 {
		shown = len(value)
	}
	return strings.Repeat("*", shown) + value[shown:]
}

// redact is a document as answers have it.
func redact(doc object) object { return replaceSecrets(doc, starred) }

// conceal is a document as effects have it: a new secret is a change, and is not shown.
func conceal(doc object) object {
	return replaceSecrets(doc, func(_, value string) string { return mask(value) })
}

func replaceSecrets(doc object, by func(key, value string) string) object {
	out := make(object, len(doc))
	for k, v := range doc {
		out[k] = v
		if s, isText := v.(string); isText && s != "" && secret(k) {
			out[k] = by(k, s)
		}
		if list, isList := v.([]any); isList {
			var rows []any
			for _, e := range list {
				if m, isObject := e.(map[string]any); isObject {
					e = replaceSecrets(m, by)
				}
				rows = append(rows, e)
			}
			out[k] = append([]any{}, rows...)
		}
	}
	return out
}

// keepSecrets puts the held secrets back where a client sent what it was shown. Where
// absent is set, a secret that was not sent is kept as well.
func keepSecrets(next, held, shown object, absent bool) {
	for k, v := range shown {
		if !secret(k) {
			continue
		}
		sent, was := next[k]
		if was && sent != v || !was && !absent {
			continue
		}
		if own, has := held[k]; has {
			next[k] = own
		} else {
			delete(next, k)
		}
	}
}

// completeNotification fills in the delays. Three services have their own interval.
func completeNotification(n object) {
	if n["delayMin"] == nil {
		n["delayMin"] = 0.0
	}
	switch n["typeName"] {
	case "PAGER_DUTY", "VICTOR_OPS", "OPS_GENIE":
		delete(n, "intervalMin")
	default:
		if n["intervalMin"] == nil {
			n["intervalMin"] = 5.0
		}
	}
}

// webhook is where a notification goes: what it does not say itself is the project's
// integration's.
func (p *project) webhook(n object) (address, key string) {
	address, _ = n["webhookUrl"].(string)
	key, _ = n["webhookSecret"].(string)
	in := p.integration("WEBHOOK")
	if address == "" {
		address, _ = in["url"].(string)
	}
	if key == "" {
		key, _ = in["secret"].(string)
	}
	return address, key
}

// shownNotification has the integration's address and secret where it has none itself,
// as the real server's.
func (p *project) shownNotification(n object) object {
	if n["typeName"] != "WEBHOOK" {
		return redact(n)
	}
	address, key := p.webhook(n)
	full := overlay(n, object{"webhookUrl": address})
	if key != "" {
		full["webhookSecret"] = key
	}
	return redact(full)
}

// checkNotifications checks what the schema cannot know.
func (p *project) checkNotifications(config object) *problem {
	for _, n := range (&alertConfig{doc: config}).notifications() {
		kind, _ := n["typeName"].(string)
		if id, sent := n["integrationId"].(string); sent && id != "" {
			if in := p.integration(kind); in == nil || in["id"] != id {
				return missing("INTEGRATION_NOT_CONFIGURED", "The integration %s of type %s is not configured.", id, kind)
			}
		}
		if kind != "WEBHOOK" {
			continue
		}
		address, _ := p.webhook(n)
		if address == "" {
			return bad("WEBHOOK_URL_NOT_SET", "A webhook notification needs a URL, its own or that of the project's webhook integration.")
		}
		if bad := checkURL("notifications.webhookUrl", address); bad != nil {
			return bad
		}
	}
	return nil
}

func checkURL(field, s string) *problem {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return invalidField(field, "must be an http or https URL")
	}
	return nil
}
