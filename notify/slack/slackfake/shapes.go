package slackfake

import "maps"

// shape is what an object may have; rule checks one property.
type shape map[string]prop

type prop struct {
	rule     rule
	required bool
}

type rule func(c *checker, at string, v any)

type shapes struct {
	blocks map[string]shape
	modal  shape
	home   shape
}

func need(r rule) prop { return prop{r, true} }
func may(r rule) prop  { return prop{r, false} }

// blockShapes is Block Kit as far as the fake knows it, with Slack's limits.
func blockShapes() shapes {
	e := elementShapes()
	blockID := may(str(1, 255))
	blocks := map[string]shape{
		"section": {
			"text": may(text("", 1, 3000)), "fields": may(list(1, 10, text("", 1, 2000))), "accessory": may(oneOf(e.accessory)),
			"block_id": blockID, "expand": may(flag),
		},
		"header":  {"text": need(text("plain_text", 1, 150)), "block_id": blockID, "level": may(whole(1, 4))},
		"divider": {"block_id": blockID},
		"context": {"elements": need(list(1, 10, e.context)), "block_id": blockID},
		"actions": {"elements": need(list(1, 25, oneOf(e.actions))), "block_id": blockID},
		"image": {
			"image_url": need(link(3000)), "alt_text": need(str(1, 2000)), "title": may(text("plain_text", 1, 2000)), "block_id": blockID,
		},
		"input": {
			"label": need(text("plain_text", 1, 2000)), "element": need(oneOf(e.input)), "hint": may(text("plain_text", 1, 2000)),
			"optional": may(flag), "dispatch_action": may(flag), "block_id": blockID,
		},
		"rich_text": {"elements": need(list(0, 0, oneOf(richShapes()))), "block_id": blockID},
	}
	meta := prop{str(0, 3000), false}
	return shapes{
		blocks: blocks,
		modal: shape{
			"title": need(text("plain_text", 1, 24)), "submit": may(text("plain_text", 1, 24)), "close": may(text("plain_text", 1, 24)),
			"blocks": need(anything), "private_metadata": meta, "callback_id": may(str(0, 255)), "external_id": may(str(0, 255)),
			"clear_on_close": may(flag), "notify_on_close": may(flag),
		},
		home: shape{"blocks": need(anything), "private_metadata": meta, "callback_id": may(str(0, 255)), "external_id": may(str(0, 255))},
	}
}

type elements struct {
	accessory, actions, input map[string]shape
	context                   rule
}

func elementShapes() elements {
	confirm := may(object(shape{
		"title": need(text("plain_text", 1, 100)), "text": need(text("", 1, 300)),
		"confirm": need(text("plain_text", 1, 30)), "deny": need(text("plain_text", 1, 30)), "style": may(among("primary", "danger")),
	}))
	action, hint, focus := may(str(1, 255)), may(text("plain_text", 1, 150)), may(flag)
	option := object(shape{
		"text": need(text("", 1, 75)), "value": need(str(1, 150)), "description": may(text("", 1, 75)), "url": may(link(3000)),
	})
	group := object(shape{"label": need(text("plain_text", 1, 75)), "options": need(list(1, 100, option))})
	button := shape{
		"text": need(text("plain_text", 1, 75)), "action_id": action, "value": may(str(1, 2000)), "url": may(link(3000)),
		"style": may(among("primary", "danger")), "confirm": confirm, "accessibility_label": may(str(1, 75)),
	}
	image := shape{"image_url": need(link(3000)), "alt_text": need(str(1, 2000))}
	with := func(more shape) shape {
		out := shape{"action_id": action, "confirm": confirm, "focus_on_load": focus}
		maps.Copy(out, more)
		return out
	}
	menu := func(more shape) shape {
		more["placeholder"] = hint
		return with(more)
	}
	options, groups, most := may(list(1, 100, option)), may(list(1, 100, group)), may(whole(1, 100))
	pick := map[string]shape{
		"static_select":        menu(shape{"options": options, "option_groups": groups, "initial_option": may(option)}),
		"users_select":         menu(shape{"initial_user": may(str(1, 255))}),
		"channels_select":      menu(shape{"initial_channel": may(str(1, 255)), "response_url_enabled": may(flag)}),
		"conversations_select": menu(shape{"initial_conversation": may(str(1, 255)), "default_to_current_conversation": may(flag), "response_url_enabled": may(flag), "filter": may(anything)}),
		"radio_buttons":        with(shape{"options": need(list(1, 10, option)), "initial_option": may(option)}),
		"checkboxes":           with(shape{"options": need(list(1, 10, option)), "initial_options": may(list(1, 10, option))}),
		"datepicker":           menu(shape{"initial_date": may(moment("2006-01-02"))}),
		"timepicker":           menu(shape{"initial_time": may(moment("15:04")), "timezone": may(str(1, 255))}),
		"datetimepicker":       with(shape{"initial_date_time": may(whole(1e9, 9_999_999_999))}),
	}
	many := map[string]shape{
		"multi_static_select":        menu(shape{"options": options, "option_groups": groups, "initial_options": may(list(1, 100, option)), "max_selected_items": most}),
		"multi_users_select":         menu(shape{"initial_users": may(list(1, 100, str(1, 255))), "max_selected_items": most}),
		"multi_channels_select":      menu(shape{"initial_channels": may(list(1, 100, str(1, 255))), "max_selected_items": most}),
		"multi_conversations_select": menu(shape{"initial_conversations": may(list(1, 100, str(1, 255))), "max_selected_items": most}),
	}
	dispatch := may(object(shape{"trigger_actions_on": may(list(1, 2, among("on_enter_pressed", "on_character_entered")))}))
	typing := map[string]shape{
		"plain_text_input": {
			"action_id": action, "initial_value": may(str(0, 3000)), "multiline": may(flag), "min_length": may(whole(0, 3000)),
			"max_length": may(whole(1, 3000)), "placeholder": hint, "focus_on_load": focus, "dispatch_action_config": dispatch,
		},
		"number_input": {
			"action_id": action, "is_decimal_allowed": need(flag), "initial_value": may(str(0, 3000)), "min_value": may(str(0, 100)),
			"max_value": may(str(0, 100)), "placeholder": hint, "focus_on_load": focus, "dispatch_action_config": dispatch,
		},
		"email_text_input": {"action_id": action, "initial_value": may(str(0, 3000)), "placeholder": hint, "focus_on_load": focus, "dispatch_action_config": dispatch},
		"url_text_input":   {"action_id": action, "initial_value": may(str(0, 3000)), "placeholder": hint, "focus_on_load": focus, "dispatch_action_config": dispatch},
	}
	actions := joined(pick, map[string]shape{
		"button": button, "overflow": {"action_id": action, "options": need(list(1, 5, option)), "confirm": confirm},
	})
	return elements{
		accessory: joined(actions, many, map[string]shape{"image": image}),
		actions:   actions,
		input:     joined(pick, many, typing),
		context: func(c *checker, at string, v any) {
			if m, ok := v.(Block); ok && m["type"] == "image" {
				c.object(at, m, image)
				return
			}
			text("", 1, 3000)(c, at, v)
		},
	}
}

// richShapes are the parts of a rich_text block.
func richShapes() map[string]shape {
	style := may(object(shape{
		"bold": may(flag), "italic": may(flag), "strike": may(flag), "code": may(flag), "underline": may(flag),
		"highlight": may(flag), "client_highlight": may(flag), "unlink": may(flag),
	}))
	inline := map[string]shape{
		"text":      {"text": need(str(1, 3000)), "style": style},
		"link":      {"url": need(link(3000)), "text": may(str(0, 3000)), "unsafe": may(flag), "style": style},
		"user":      {"user_id": need(str(1, 255)), "style": style},
		"usergroup": {"usergroup_id": need(str(1, 255)), "style": style},
		"channel":   {"channel_id": need(str(1, 255)), "style": style},
		"broadcast": {"range": need(among("here", "channel", "everyone"))},
		"emoji":     {"name": need(str(1, 255)), "unicode": may(str(1, 255)), "skin_tone": may(whole(1, 6)), "style": style},
		"date":      {"timestamp": need(whole(0, 9_999_999_999)), "format": need(str(1, 255)), "url": may(link(3000)), "fallback": may(str(1, 255)), "style": style},
		"color":     {"value": need(str(1, 9))},
	}
	line := shape{"elements": need(list(0, 0, oneOf(inline)))}
	quoted := shape{"elements": line["elements"], "border": may(whole(0, 1)), "language": may(str(1, 255))}
	return map[string]shape{
		"rich_text_section":      line,
		"rich_text_preformatted": quoted,
		"rich_text_quote":        quoted,
		"rich_text_list": {
			"style": need(among("bullet", "ordered")), "indent": may(whole(0, 8)), "offset": may(whole(0, 1000)), "border": may(whole(0, 1)),
			"elements": need(list(0, 0, oneOf(map[string]shape{"rich_text_section": line}))),
		},
	}
}

func joined(sets ...map[string]shape) map[string]shape {
	out := map[string]shape{}
	for _, s := range sets {
		maps.Copy(out, s)
	}
	return out
}
