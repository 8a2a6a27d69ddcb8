package reach

import "slices"

// MayRead says that documents of the collection can be read: by read and all
// that contains it, by backup (which reads everything), or by the action FIND.
// An empty collection asks for every collection of the database. False beside
// a Missing role is not a no.
func (c Closure) MayRead(database, collection string) bool {
	return c.Reaches("backup") || c.may("read", database, collection, "FIND")
}

// MayWrite says that documents of the collection can be inserted, changed or
// removed. An empty collection asks for every collection of the database. False
// beside a Missing role is not a no.
func (c Closure) MayWrite(database, collection string) bool {
	return c.may("readWrite", database, collection, "INSERT", "UPDATE", "REMOVE")
}

func (c Closure) may(role, database, collection string, actions ...string) bool {
	return c.Covers(Grant{Role: role, Database: database, Collection: collection}) ||
		slices.ContainsFunc(c.Actions, func(a Action) bool {
			return slices.Contains(actions, a.Name) && a.on(database, collection)
		})
}

// on says that the action is allowed on the collection.
func (a Action) on(database, collection string) bool {
	return !a.Cluster && (a.Database == "" || a.Database == database) &&
		(a.Collection == "" || a.Collection == collection)
}
