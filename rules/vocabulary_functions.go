package rules

// Library is functions that belong together.
type Library struct {
	Name      string     `json:"name"`
	Functions []Function `json:"functions"`
}

// Function is one function, macro or operator of the rule language.
type Function struct {
	Name string `json:"name"`
	Call string `json:"call"` // how it is written
	Doc  string `json:"doc"`
}

// libraries are all functions that expressions may call. A test compares them with those
// that the compiler knows.
func libraries() []Library {
	return []Library{
		{"Gatewarden", []Function{
			{"days", "days(30)", "A duration of so many days of 24 hours."},
			{"span", "span(duration)", "The duration for people, such as 3 d 4 h."},
			{"few", "few(list)", "The texts of the list as one, with commas; of more than ten the first ten, and how many more there are."},
			{"glob", "glob(pattern, text)", "Whether the text matches the pattern, in which * stands for anything."},
		}},
		{"Tests and loops", []Function{
			{"has", "has(x.field)", "Whether the field is there."},
			{"all", "list.all(x, condition)", "Whether the condition holds for each element, or for each key of a map."},
			{"exists", "list.exists(x, condition)", "Whether it holds for one at least."},
			{"exists_one", "list.exists_one(x, condition)", "Whether it holds for exactly one."},
			{"filter", "list.filter(x, condition)", "The elements for which it holds."},
			{"map", "list.map(x, value), list.map(x, condition, value)", "A value made of each element, or of each for which the condition holds."},
			{"bind", "cel.bind(x, value, expression)", "The expression, in which x is the value."},
			{"size", "size(x), x.size()", "How long a text, list or map is."},
			{"in", "x in list, key in map", "Whether the list has the element, or the map the key."},
		}},
		{"Texts", []Function{
			{"contains", "text.contains(part)", "Whether the text contains the part."},
			{"startsWith", "text.startsWith(part)", "Whether it begins with the part."},
			{"endsWith", "text.endsWith(part)", "Whether it ends with the part."},
			{"matches", "text.matches('^re2$')", "Whether a regular expression (RE2) matches a part of it."},
			{"lowerAscii", "text.lowerAscii()", "The text with A to Z in lower case."},
			{"upperAscii", "text.upperAscii()", "The text with a to z in upper case."},
			{"trim", "text.trim()", "The text without white space around it."},
			{"split", "text.split(separator), text.split(separator, limit)", "The parts between the separators."},
			{"join", "list.join(), list.join(separator)", "The texts of the list as one."},
			{"replace", "text.replace(old, new), text.replace(old, new, limit)", "The text with each old part replaced."},
			{"indexOf", "text.indexOf(part), text.indexOf(part, from)", "Where the part begins, from 0; -1: nowhere."},
			{"lastIndexOf", "text.lastIndexOf(part), text.lastIndexOf(part, from)", "Where it begins for the last time."},
			{"charAt", "text.charAt(index)", "The character at this index."},
			{"substring", "text.substring(from), text.substring(from, to)", "The part from one index up to another."},
			{"format", "text.format([values])", "The text with %s, %d and the like replaced by the values."},
			{"strings.quote", "strings.quote(text)", "The text in quotes, with what is special escaped."},
		}},
		{"Lists and sets", []Function{
			{"distinct", "list.distinct()", "Each element once."},
			{"flatten", "list.flatten(), list.flatten(depth)", "The elements of the lists in the list."},
			{"reverse", "list.reverse(), text.reverse()", "The other way round."},
			{"slice", "list.slice(from, to)", "The elements from one index up to another."},
			{"sort", "list.sort()", "The elements in order."},
			{"sortBy", "list.sortBy(x, key)", "The elements in order of a key."},
			{"lists.range", "lists.range(n)", "The numbers from 0 up to n."},
			{"hasAll", "list.hasAll(others)", "Whether the list has all of the others."},
			{"hasAny", "list.hasAny(others)", "Whether it has one of them."},
			{"hasOnly", "list.hasOnly(others)", "Whether it has nothing beside them."},
			{"hasExactly", "list.hasExactly(others)", "Whether it has the same elements, in any order."},
			{"sets.contains", "sets.contains(a, b)", "Whether a has all of b."},
			{"sets.equivalent", "sets.equivalent(a, b)", "Whether each has all of the other."},
			{"sets.intersects", "sets.intersects(a, b)", "Whether one is in both."},
		}},
		{"Times", []Function{
			{"timestamp", "timestamp('2026-01-31T12:00:00Z')", "The time of an RFC 3339 text, or of seconds since 1970."},
			{"duration", "duration('36h')", "The duration of a text, in h, m, s and parts of it."},
			{"getFullYear", "time.getFullYear()", "The year, in UTC or in a time zone: time.getFullYear('Europe/Berlin')."},
			{"getMonth", "time.getMonth()", "The month, from 0."},
			{"getDate", "time.getDate()", "The day of the month, from 1."},
			{"getDayOfMonth", "time.getDayOfMonth()", "The day of the month, from 0."},
			{"getDayOfWeek", "time.getDayOfWeek()", "The day of the week: 0 is Sunday."},
			{"getDayOfYear", "time.getDayOfYear()", "The day of the year, from 0."},
			{"getHours", "time.getHours(), duration.getHours()", "The hour of the day, or how many hours a duration has."},
			{"getMinutes", "time.getMinutes(), duration.getMinutes()", "The minute, or how many minutes."},
			{"getSeconds", "time.getSeconds(), duration.getSeconds()", "The second, or how many seconds."},
			{"getMilliseconds", "time.getMilliseconds(), duration.getMilliseconds()", "The milliseconds of the second."},
		}},
		{"Networks", networkFunctions()},
		{"Numbers", []Function{
			{"math.greatest", "math.greatest(a, b, …), math.greatest(list)", "The greatest."},
			{"math.least", "math.least(a, b, …), math.least(list)", "The least."},
			{"math.abs", "math.abs(n)", "The number without its sign."},
			{"math.sign", "math.sign(n)", "-1, 0 or 1."},
			{"math.ceil", "math.ceil(x)", "Rounded up."},
			{"math.floor", "math.floor(x)", "Rounded down."},
			{"math.round", "math.round(x)", "Rounded to the nearest, halves away from 0."},
			{"math.trunc", "math.trunc(x)", "Without its fraction."},
			{"math.sqrt", "math.sqrt(x)", "The square root."},
			{"math.isFinite", "math.isFinite(x)", "Whether it is a number, and finite."},
			{"math.isInf", "math.isInf(x)", "Whether it is infinite."},
			{"math.isNaN", "math.isNaN(x)", "Whether it is none."},
			{"math.bitAnd", "math.bitAnd(a, b)", "The bits of both."},
			{"math.bitOr", "math.bitOr(a, b)", "The bits of either."},
			{"math.bitXor", "math.bitXor(a, b)", "The bits of one of them only."},
			{"math.bitNot", "math.bitNot(n)", "The other bits."},
			{"math.bitShiftLeft", "math.bitShiftLeft(n, by)", "The bits moved to the left."},
			{"math.bitShiftRight", "math.bitShiftRight(n, by)", "The bits moved to the right."},
		}},
		{"Conversions", []Function{
			{"string", "string(x)", "As a text: of a number, bool, time or duration."},
			{"int", "int(x)", "As an integer; an expression fails on a text that is none."},
			{"uint", "uint(x)", "As an unsigned integer."},
			{"double", "double(x)", "As a number with a fraction."},
			{"bool", "bool(text)", "As true or false."},
			{"bytes", "bytes(text)", "As bytes."},
			{"dyn", "dyn(x)", "As a value whose type is not checked when the rule is loaded."},
			{"type", "type(x)", "Its type."},
		}},
	}
}

func networkFunctions() []Function {
	return []Function{
		{"cidr", "cidr('10.0.0.0/8')", "The range of a text; an expression fails on a text that is none."},
		{"ip", "ip('10.0.0.1'), range.ip()", "The address of a text, or of a range."},
		{"isCIDR", "isCIDR(text)", "Whether the text is a range."},
		{"isIP", "isIP(text)", "Whether it is an address."},
		{"ip.isCanonical", "ip.isCanonical(text)", "Whether the address is written in its shortest form."},
		{"containsIP", "range.containsIP(address)", "Whether the range has the address."},
		{"containsCIDR", "range.containsCIDR(other)", "Whether it has all of the other range."},
		{"prefixLength", "range.prefixLength()", "The length of its prefix."},
		{"masked", "range.masked()", "The range with the bits behind its prefix set to 0."},
		{"isMask", "range.isMask()", "Whether it has no bits behind its prefix."},
		{"family", "address.family()", "4 or 6."},
		{"isGlobalUnicast", "address.isGlobalUnicast()", "Whether it is a global unicast address; private ones are."},
		{"isLoopback", "address.isLoopback()", "Whether it is one of the machine itself."},
		{"isLinkLocalUnicast", "address.isLinkLocalUnicast()", "Whether it holds in the local network only."},
		{"isLinkLocalMulticast", "address.isLinkLocalMulticast()", "Whether it is a multicast address of the local network."},
		{"isUnspecified", "address.isUnspecified()", "Whether it is 0.0.0.0 or ::."},
	}
}
