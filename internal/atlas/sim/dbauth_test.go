package sim

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// authority is the PEM text of a certificate authority, or of its revocation list.
func authority(t *testing.T, name string, until time.Time, crl bool) string {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, SubjectKeyId: []byte{1}, NotBefore: epoch, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	kind := "CERTIFICATE"
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if crl {
		kind = "X509 CRL"
		der, err = x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: epoch, NextUpdate: until}, ca, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestCertificates(t *testing.T) {
	w := startWorld(t, guarded)
	certs := w.path("{dev}/databaseUsers/batch/certs")
	a := w.as(ownerID, "POST", certs, `{"monthsUntilExpiration":6}`)
	if a.status != 201 || !strings.HasPrefix(a.header.Get("Content-Type"), "application/vnd.atlas.2023-01-01+json") {
		t.Fatalf("got %d %s %v", a.status, a.raw, a.header)
	}
	block, rest := pem.Decode([]byte(a.raw))
	private, _ := pem.Decode(rest)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || private == nil || private.Type != "PRIVATE KEY" {
		t.Fatalf("the answer is no certificate and key: %v\n%s", err, a.raw)
	}
	key, err := x509.ParsePKCS8PrivateKey(private.Bytes)
	if err != nil || !leaf.PublicKey.(ed25519.PublicKey).Equal(key.(ed25519.PrivateKey).Public()) {
		t.Errorf("the key does not fit the certificate: %v", err)
	}
	if leaf.Subject.String() != "CN=batch" || leaf.Issuer.CommonName != w.ProjectID("dev") || !leaf.NotAfter.Equal(time.Date(2027, 2, 3, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("certificate of %s by %s until %s", leaf.Subject, leaf.Issuer, leaf.NotAfter)
	}
	rows := w.as(readerID, "GET", certs, nil).results()
	if len(rows) != 2 || rows[1]["subject"] != "CN=batch" || rows[1]["createdAt"] != "2026-08-03T09:00:00Z" || rows[1]["notAfter"] != "2027-02-03T10:00:00Z" || rows[0]["_id"] != 7.0 {
		t.Errorf("list %v", rows)
	}
	e := w.events("{dev}")
	if kinds(e) != "MONGODB_USER_X509_CERT_CREATED" || e[0]["dbUserUsername"] != nil || e[0]["publicKey"] != ownerID {
		t.Errorf("events %v", e)
	}
	if effects := fmt.Sprint(w.Effects()); strings.Contains(effects, "PRIVATE") {
		t.Errorf("an effect shows the key: %s", effects)
	}
	if other := startWorld(t, guarded).as(ownerID, "POST", certs, `{"monthsUntilExpiration":6}`); other.raw != a.raw {
		t.Error("the same seed makes another certificate")
	}

	w.do("DELETE", w.path("{dev}/databaseUsers/$external/batch"), nil)
	if got := kinds(w.events("{dev}")); got != "MONGODB_USER_X509_CERT_REVOKED MONGODB_USER_DELETED MONGODB_USER_X509_CERT_CREATED" {
		t.Errorf("events %s", got)
	}
	if rows := w.as(readerID, "GET", certs, nil).results(); len(rows) != 2 {
		t.Errorf("a deleted user's certificates: %v", rows)
	}
	w.Advance(200 * 24 * time.Hour)
	if a := w.as(readerID, "GET", certs, nil); a.status != 404 || a.code() != "USERNAME_NOT_FOUND" {
		t.Errorf("expired certificates of a deleted user: %d %s", a.status, a.raw)
	}
}

func TestDatabaseAuthMistakes(t *testing.T) {
	const filter = `{"auditFilter":"{]"}`
	for _, c := range []struct {
		who, method, path, body string
		status                  int
		code                    string
	}{
		{ownerID, "POST", "{dev}/databaseUsers/batch/certs", `{"monthsUntilExpiration":25}`, 400, "CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS"},
		{ownerID, "POST", "{dev}/databaseUsers/batch/certs", `{"monthsUntilExpiration":0}`, 400, "VALIDATION_ERROR"},
		{ownerID, "POST", "{dev}/databaseUsers/batch/certs", `{"months":1}`, 400, "INVALID_ATTRIBUTE"},
		{ownerID, "POST", "{dev}/databaseUsers/plain/certs", `{}`, 400, "VALIDATION_ERROR"},
		{ownerID, "POST", "{dev}/databaseUsers/nobody/certs", `{}`, 404, "USERNAME_NOT_FOUND"},
		{readerID, "POST", "{dev}/databaseUsers/batch/certs", `{}`, 401, "USER_UNAUTHORIZED"},
		{memberID, "GET", "{dev}/databaseUsers/batch/certs", "", 401, "USER_CANNOT_ACCESS_GROUP"},
		{readerID, "GET", "{dev}/userSecurity", "", 401, "USER_UNAUTHORIZED"},
		{ownerID, "PATCH", "{dev}/userSecurity", `{"customerX509":{"cas":"nonsense"}}`, 400, "VALIDATION_ERROR"},
		{ownerID, "PATCH", "{dev}/userSecurity", `{"customerX509":{"cas":""}}`, 400, "VALIDATION_ERROR"},
		{ownerID, "PATCH", "{dev}/userSecurity", `{"ldap":{"caCertificate":"nonsense"}}`, 400, "VALIDATION_ERROR"},
		{ownerID, "PATCH", "{dev}/userSecurity", `{"ldap":{"userToDNMapping":[{"match":"x"}]}}`, 400, "VALIDATION_ERROR"},
		{ownerID, "PATCH", "{dev}/userSecurity", `{"ldap":{"userToDNMapping":[{"substitution":"x"}]}}`, 400, "MISSING_ATTRIBUTE"},
		{ownerID, "PATCH", "{prod}/userSecurity", `{"ldap":{"authenticationEnabled":true}}`, 400, "MISSING_ATTRIBUTE"},
		{ownerID, "PATCH", "{prod}/userSecurity", `{"ldap":{"authorizationEnabled":true}}`, 400, "VALIDATION_ERROR"},
		{ownerID, "PATCH", "{dev}/userSecurity", `{"ldap":{"bindUsername":"alice"}}`, 400, "VALIDATION_ERROR"},
		{ownerID, "PATCH", "{dev}/userSecurity", `{"ldap":{"bindUsername":"cn=alice,uid=x"}}`, 400, "VALIDATION_ERROR"},
		{ownerID, "PATCH", "{dev}/userSecurity", `{"ldap":"x"}`, 400, "INVALID_JSON_ATTRIBUTE"},
		{ownerID, "POST", "{dev}/userSecurity/ldap/verify", `{"hostname":"a.b"}`, 400, "MISSING_ATTRIBUTE"},
		{ownerID, "GET", "{dev}/userSecurity/ldap/verify/aaaaaaaaaaaaaaaaaaaaaaaa", "", 404, "RESOURCE_NOT_FOUND"},
		{ownerID, "PATCH", "{dev}/auditLog", filter, 400, "INVALID_JSON"},
		{ownerID, "PATCH", "{dev}/auditLog", `{"enabled":"yes"}`, 400, "INVALID_JSON_ATTRIBUTE"},
		{readerID, "GET", "{dev}/auditLog", "", 401, "USER_UNAUTHORIZED"},
	} {
		w := startWorld(t, guarded)
		if a := w.as(c.who, c.method, w.path(c.path), c.body); a.status != c.status || a.code() != c.code || len(w.Effects()) != 0 {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, a.status, a.raw, c.status, c.code)
		}
	}
}

func TestUserSecurity(t *testing.T) {
	w := startWorld(t, guarded)
	path := w.path("{dev}/userSecurity")
	cas := authority(t, "first", epoch.AddDate(2, 0, 0), false)
	patch := func(body object, events string) answerOf {
		t.Helper()
		before := len(w.events("{dev}"))
		a := w.as(ownerID, "PATCH", path, body)
		if a.status != 202 {
			t.Fatalf("patch: %d %s", a.status, a.raw)
		}
		if e := w.events("{dev}"); kinds(e[:len(e)-before]) != events {
			t.Errorf("%v: events %s, want %s", body, kinds(e[:len(e)-before]), events)
		}
		if got := w.as(ownerID, "GET", path, nil); got.raw != a.raw {
			t.Errorf("read back %s\nwritten %s", got.raw, a.raw)
		}
		return a
	}
	a := patch(object{"ldap": object{"port": 1636, "bindPassword": "fake-other"}}, "USER_SECURITY_SETTINGS_UPDATED")
	want := map[string]any{
		"authenticationEnabled": true, "authorizationEnabled": false, "authzQueryTemplate": "{USER}?memberOf?base",
		"hostname": "ldap.example.com", "bindUsername": "CN=a,DC=b", "port": 1636.0, "userToDNMapping": []any{},
	}
	if d := cmp.Diff(want, a.body["ldap"]); d != "" {
		t.Error(d)
	}
	patch(object{"ldap": object{"bindPassword": "fake-third"}}, "USER_SECURITY_SETTINGS_UPDATED")
	patch(object{"ldap": object{"bindPassword": "fake-third"}}, "")
	patch(object{"customerX509": object{"cas": cas}}, "USER_SECURITY_SETTINGS_UPDATED")
	patch(object{"customerX509": object{"cas": cas + authority(t, "first", epoch.AddDate(1, 0, 0), true)}}, "CUSTOMER_X509_CRL_UPDATED USER_SECURITY_SETTINGS_UPDATED")
	patch(object{"ldap": object{"userToDNMapping": []object{{"match": "(.*)", "substitution": "CN={0}"}}}}, "USER_SECURITY_SETTINGS_UPDATED")
	for _, c := range []struct{ path, events string }{
		{"/ldap/userToDNMapping", "USER_SECURITY_SETTINGS_UPDATED"}, {"/ldap/userToDNMapping", ""},
		{"/customerX509", "CUSTOMER_X509_CRL_UPDATED USER_SECURITY_SETTINGS_UPDATED"}, {"/customerX509", ""},
	} {
		before := len(w.events("{dev}"))
		a := w.as(ownerID, "DELETE", path+c.path, nil)
		if e := w.events("{dev}"); a.status != 202 || kinds(e[:len(e)-before]) != c.events {
			t.Errorf("DELETE %s: %d %s, events %v", c.path, a.status, a.raw, kinds(e[:len(e)-before]))
		}
	}
	if a := w.as(ownerID, "GET", path, nil); strings.Contains(a.raw, "CERTIFICATE") || strings.Contains(a.raw, "match") {
		t.Errorf("left over: %s", a.raw)
	}
	for _, e := range w.Effects() {
		if s := e.Before + e.After; strings.Contains(s, "fake-") || e.Target != "userSecurity" {
			t.Errorf("effect %s %s", e.Target, s)
		}
	}
}

func TestVerifyLDAP(t *testing.T) {
	for host, want := range map[string]string{"ldap.example.com": "SUCCESS", "ldap.invalid": "FAIL"} {
		w := startWorld(t, guarded)
		verify := w.path("{dev}/userSecurity/ldap/verify")
		a := w.as(ownerID, "POST", verify, object{"hostname": host, "port": 636, "bindUsername": "cn=a,dc=b", "bindPassword": "fake-bind"})
		if a.status != 200 || a.body["status"] != "PENDING" || strings.Contains(a.raw, "fake-bind") {
			t.Fatalf("%s: %d %s", host, a.status, a.raw)
		}
		w.Advance(verifyTakes)
		if a := w.as(ownerID, "GET", verify+"/"+a.body["requestId"].(string), nil); a.body["status"] != want || len(rowsOf(a.body["validations"])) < 2 {
			t.Errorf("%s: %s", host, a.raw)
		}
	}
}

func TestAuditLog(t *testing.T) {
	w := startWorld(t, guarded)
	path := w.path("{prod}/auditLog")
	none := `{"auditAuthorizationSuccess":false,"auditFilter":"{}","configurationType":"NONE","enabled":false}`
	if a := w.as(ownerID, "GET", path, nil); a.raw != none {
		t.Errorf("at first: %s", a.raw)
	}
	if a := w.as(ownerID, "PATCH", path, none); a.status != 202 || len(w.Effects()) != 0 || len(w.events("{prod}")) != 0 {
		t.Errorf("written as read: %d %v", a.status, w.Effects())
	}
	a := w.as(ownerID, "PATCH", path, object{"enabled": true, "auditFilter": `{"atype":"authCheck"}`})
	if want := `{"auditAuthorizationSuccess":false,"auditFilter":"{\"atype\":\"authCheck\"}","configurationType":"FILTER_JSON","enabled":true}`; a.status != 202 || a.raw != want {
		t.Errorf("got %d %s", a.status, a.raw)
	}
	if got := w.as(ownerID, "GET", path, nil); got.raw != a.raw {
		t.Errorf("read back %s", got.raw)
	}
	if got := kinds(w.events("{prod}")); got != "AUDIT_LOG_CONFIGURATION_UPDATED" || len(w.Effects()) != 1 {
		t.Errorf("events %s, effects %v", got, w.Effects())
	}
	free := startWorld(t, `orgs: [{name: ExampleCorp, serviceAccounts: [{clientId: `+ownerID+`, secret: "fake secret/with+signs", roles: [ORG_OWNER]}], projects: [{name: prod, clusters: [{name: a, instanceSize: M0}]}]}]`)
	if a := free.as(ownerID, "PATCH", free.path("{prod}/auditLog"), `{"enabled":true}`); a.status != 403 || a.code() != "FEATURE_UNSUPPORTED" {
		t.Errorf("free clusters only: %d %s", a.status, a.raw)
	}
}

// What expires is reported a month before, by nobody.
func TestExpiryChecks(t *testing.T) {
	w := startWorld(t, guarded)
	soon := authority(t, "soon", epoch.AddDate(0, 0, 10), false)
	later := authority(t, "later", epoch.AddDate(0, 0, 300), false)
	path := w.path("{dev}/userSecurity")
	w.do("PATCH", path, object{"customerX509": object{"cas": later + soon + authority(t, "later", epoch.AddDate(0, 0, 40), true)}})
	w.Advance(15 * 24 * time.Hour)
	const ca, crl = "NDS_X509_USER_AUTHENTICATION_CUSTOMER_CA_EXPIRATION_", "NDS_X509_USER_AUTHENTICATION_CUSTOMER_CRL_EXPIRATION_"
	e := w.events("{dev}")
	if got := kinds(e); got != crl+"CHECK "+ca+"CHECK CUSTOMER_X509_CRL_UPDATED USER_SECURITY_SETTINGS_UPDATED" {
		t.Fatalf("events %s", got)
	}
	if e[0]["created"] != "2026-08-13T10:00:00Z" || e[0]["username"] != nil || e[1]["created"] != "2026-08-03T10:00:00Z" {
		t.Errorf("checks %v %v", e[0], e[1])
	}
	w.do("PATCH", path, object{"customerX509": object{"cas": later}})
	if got := kinds(w.events("{dev}")[:4]); got != "CUSTOMER_X509_CRL_UPDATED USER_SECURITY_SETTINGS_UPDATED "+crl+"RESOLVED "+ca+"RESOLVED" {
		t.Errorf("events %s", got)
	}
	w.Advance(60 * 24 * time.Hour)
	e = w.events("{dev}")
	if e[0]["eventTypeName"] != certificateCheck || e[0]["created"] != "2026-10-02T00:00:00Z" {
		t.Errorf("the managed certificate: %v", e[0])
	}
}
