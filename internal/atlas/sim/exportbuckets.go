package sim

import (
	"net/http"
	"slices"
	"strings"
)

// bucket is the index of an export bucket, or -1.
func (p *project) bucket(id string) int {
	return slices.IndexFunc(p.buckets, func(b object) bool { return b["_id"] == id })
}

func noBucket(id string) *problem {
	return missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", id) // code is a guess
}

func (c *call) bucketView(b object) any {
	id, _ := b["_id"].(string)
	return overlay(b, object{"links": c.self("/groups/" + c.project.id + "/backup/exportBuckets/" + id)})
}

func (c *call) listExportBuckets() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.buckets, c.bucketView)
}

func (c *call) findBucket() (int, *problem) {
	id := c.params["exportBucketId"]
	if i := c.project.bucket(id); i >= 0 {
		return i, nil
	}
	return 0, noBucket(id)
}

func (c *call) getExportBucket() (answer, *problem) {
	i, bad := c.findBucket()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.bucketView(c.project.buckets[i]))
}

// createExportBucket takes any role id of 24 hexadecimal digits, whether or not the
// project has such a role (a guess).
func (c *call) createExportBucket() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	doc = completeBucket(doc)
	if slices.ContainsFunc(c.project.buckets, func(b object) bool { return text(overlay(b, object{"_id": nil})) == text(doc) }) {
		return answer{}, conflict("DUPLICATE_EXPORT_BUCKET", "The export bucket %s already exists.", doc["bucketName"]) // code is a guess
	}
	doc["_id"] = c.a.nextID("export bucket")
	c.project.buckets = append(c.project.buckets, doc)
	c.effect("export bucket "+doc["_id"].(string), "", text(doc))
	c.projectEvent("BUCKET_CREATED_AUDIT", nil)
	return ok(c.bucketView(doc))
}

// completeBucket fills in what the answer must have: a container of Azure is named by
// the end of its address (a guess), and has a tenant.
func completeBucket(doc object) object {
	switch doc["cloudProvider"] {
	case "AWS":
		return overlay(object{"requirePrivateNetworking": false}, doc)
	case "AZURE":
		address, _ := doc["serviceUrl"].(string)
		name := orDefault(strings.Trim(address[strings.LastIndex(address, "/")+1:], "/"), "container")
		return overlay(object{"bucketName": name, "tenantId": "00000000-0000-0000-0000-000000000000"}, doc)
	}
	return doc
}

func (c *call) updateExportBucket() (answer, *problem) {
	i, bad := c.findBucket()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	before := c.project.buckets[i]
	after := overlay(before, doc)
	c.project.buckets[i] = after
	c.effect("export bucket "+c.params["exportBucketId"], text(before), text(after))
	return ok(c.bucketView(after))
}

func (c *call) deleteExportBucket() (answer, *problem) {
	i, bad := c.findBucket()
	if bad != nil {
		return answer{}, bad
	}
	before := c.project.buckets[i]
	c.project.buckets = slices.Delete(c.project.buckets, i, i+1)
	c.effect("export bucket "+c.params["exportBucketId"], text(before), "")
	c.projectEvent("BUCKET_DELETED_AUDIT", nil)
	return empty(http.StatusNoContent)
}
