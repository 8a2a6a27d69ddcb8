package sim

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// Certificate is an X.509 certificate that Atlas made for a database user. It outlives
// the user.
type Certificate struct {
	ID        int64     `yaml:"_id,omitempty" json:"_id"`
	Username  string    `yaml:"username" json:"username"`
	CreatedAt time.Time `yaml:"createdAt" json:"createdAt"`
	NotAfter  time.Time `yaml:"notAfter" json:"notAfter"`
}

// plainText is a body that goes out as it is.
type plainText string

const (
	defaultMonths = 3
	mostMonths    = 24
)

// serial is a positive number that depends on the parts alone.
func (a *Atlas) serial(parts ...string) int64 {
	n, err := strconv.ParseInt(a.derive(parts...)[:15], 16, 64)
	if err != nil {
		return 1 // the digits are hexadecimal
	}
	return n + 1
}

func (k Certificate) live(now time.Time) bool { return k.NotAfter.After(now) }

func (c *call) certificateView(k Certificate) any {
	return object{
		"_id": k.ID, "groupId": c.project.id, "subject": "CN=" + k.Username,
		"createdAt": k.CreatedAt.Format(time.RFC3339), "notAfter": k.NotAfter.Format(time.RFC3339),
	}
}

// listCertificates lists those that are not expired, also of a user that is gone.
func (c *call) listCertificates() (answer, *problem) {
	name := c.params["username"]
	own := slices.Clone(c.project.certificates)
	own = slices.DeleteFunc(own, func(k Certificate) bool { return k.Username != name || !k.live(c.at) })
	if len(own) == 0 && c.project.certificateUser(name) == nil {
		return answer{}, noCertificateUser(name)
	}
	return paged(c, http.StatusOK, own, c.certificateView)
}

// certificateUser finds a user by name alone, rather the one with managed certificates.
func (p *project) certificateUser(name string) *DatabaseUser {
	if u := p.user("$external/" + name); u != nil {
		return u
	}
	return p.user("admin/" + name)
}

func noCertificateUser(name string) *problem {
	return missing("USERNAME_NOT_FOUND", "No user with username %s exists.", name)
}

func (c *call) createCertificate() (answer, *problem) {
	months, bad := c.months()
	if bad != nil {
		return answer{}, bad
	}
	name := c.params["username"]
	u := c.project.certificateUser(name)
	if u == nil {
		return answer{}, noCertificateUser(name)
	}
	if u.X509Type != "MANAGED" { // the code is a guess
		return answer{}, invalidField("username", "Atlas makes certificates for users with x509Type MANAGED only")
	}
	now := c.at.Truncate(time.Second)
	// The real server dates a certificate an hour back.
	k := Certificate{Username: name, CreatedAt: now.Add(-time.Hour), NotAfter: now.AddDate(0, months, 0)}
	k.ID = c.a.serial("certificate", c.a.nextID("certificate"))
	made, err := c.a.certify(c.project, k)
	if err != nil {
		return answer{}, fail(http.StatusInternalServerError, "UNEXPECTED_ERROR", "Making the certificate: %s.", err.Error())
	}
	c.project.certificates = append(c.project.certificates, k)
	c.a.checkLater(c.project, certificateCheck, k.NotAfter.Add(-expiryNotice), now)
	c.effect(fmt.Sprintf("certificate %d", k.ID), "", text(k))
	c.projectEvent("MONGODB_USER_X509_CERT_CREATED", nil)
	return answer{status: http.StatusCreated, body: made}, nil
}

func (c *call) months() (int, *problem) {
	doc, bad := c.document(apispec.Range)
	if bad != nil {
		return 0, bad
	}
	n, sent := doc["monthsUntilExpiration"].(float64)
	switch {
	case !sent:
		return defaultMonths, nil
	case n > mostMonths:
		return 0, expiryTooFar()
	case n < 1:
		return 0, invalidField("monthsUntilExpiration", "must be from 1 to 24")
	}
	return int(n), nil
}

func expiryTooFar() *problem {
	return bad("CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS", "A certificate cannot be valid for more than two years.")
}

// certify makes the PEM text: certificate and private key, signed by the project's own
// authority. Real ones have RSA keys; these have keys that follow from the seed.
func (a *Atlas) certify(p *project, k Certificate) (plainText, error) {
	authority := &x509.Certificate{Subject: pkix.Name{
		CommonName: p.id, OrganizationalUnit: []string{"Atlas"}, Organization: []string{"MongoDB Inc."},
	}}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(k.ID), Subject: pkix.Name{CommonName: k.Username}, NotBefore: k.CreatedAt, NotAfter: k.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	key := a.signingKey("certificate key", fmt.Sprint(k.ID))
	der, err := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), a.signingKey("project authority", p.id))
	if err != nil {
		return "", fmt.Errorf("signing the certificate of %s: %w", k.Username, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("writing the key of %s: %w", k.Username, err)
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return plainText(append(out, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)), nil
}

func (a *Atlas) signingKey(parts ...string) ed25519.PrivateKey {
	seed, err := hex.DecodeString(a.derive(parts...))
	if err != nil {
		seed = make([]byte, ed25519.SeedSize) // derive gives hexadecimal digits
	}
	return ed25519.NewKeyFromSeed(seed)
}

// revokeCertificates says in the feed that a deleted user's certificates no longer work
// (a guess: one event whatever their number). They stay listed.
func (c *call) revokeCertificates(u *DatabaseUser) {
	own := func(k Certificate) bool { return k.Username == u.Username && k.live(c.at) }
	if u.X509Type == "MANAGED" && slices.ContainsFunc(c.project.certificates, own) {
		c.projectEvent("MONGODB_USER_X509_CERT_REVOKED", nil)
	}
}
