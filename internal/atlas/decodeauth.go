package atlas

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

// decodeDatabaseAuth reads the LDAP part of a project's user security.
func decodeDatabaseAuth(p piece) (access.State, error) {
	s, err := decodeAs[admin.UserSecurity](p.raw)
	if err != nil {
		return nil, err
	}
	l := s.GetLdap()
	out := access.DatabaseAuth{
		ProjectID: p.scope.ID(), Authentication: l.GetAuthenticationEnabled(), Authorization: l.GetAuthorizationEnabled(),
		Hostname: l.GetHostname(), Port: l.GetPort(), BindUsername: l.GetBindUsername(), QueryTemplate: l.GetAuthzQueryTemplate(),
	}
	if ca := l.GetCaCertificate(); ca != "" {
		sum := sha256.Sum256([]byte(ca))
		out.CAFingerprint = hex.EncodeToString(sum[:])
	}
	for _, m := range l.GetUserToDNMapping() {
		text, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		out.UserToDN = append(out.UserToDN, jsonText(text))
	}
	return out, nil
}

// decodeCertificates reads the project's authorities, or the certificates of the user
// who is the piece's parent.
func decodeCertificates(p piece) (access.State, error) {
	out := access.X509Config{ProjectID: p.scope.ID(), User: p.parent}
	var err error
	if p.parent == "" {
		out.Certificates, err = authorities(p.raw)
	} else {
		out.Certificates, err = issued(p.raw)
	}
	slices.SortFunc(out.Certificates, func(a, b access.Certificate) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Serial, b.Serial))
	})
	return out, err
}

func authorities(raw json.RawMessage) ([]access.Certificate, error) {
	s, err := decodeAs[admin.UserSecurity](raw)
	if err != nil {
		return nil, err
	}
	x := s.GetCustomerX509()
	out := []access.Certificate{}
	for rest := []byte(x.GetCas()); len(rest) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("the project's authorities hold a %q", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("a certificate of the project's authorities does not parse")
		}
		sum := sha256.Sum256(c.Raw)
		out = append(out, access.Certificate{
			Subject: c.Subject.String(), Serial: c.SerialNumber.Text(16), Fingerprint: hex.EncodeToString(sum[:]),
			CreatedAt: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
		})
	}
	// MongoDB reads other labels and forms of PEM as well: what is skipped here may be
	// an authority there.
	if n := strings.Count(x.GetCas(), "-----BEGIN "); n != len(out) || n == 0 && x.GetCas() != "" {
		return nil, fmt.Errorf("the project's authorities hold %d certificates of which %d can be read", n, len(out))
	}
	return out, nil
}

func issued(raw json.RawMessage) ([]access.Certificate, error) {
	var list []struct {
		ID       json.Number `json:"_id"`
		Created  *time.Time  `json:"createdAt"`
		NotAfter *time.Time  `json:"notAfter"`
		Subject  string      `json:"subject"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	out := []access.Certificate{}
	for _, c := range list {
		if c.NotAfter == nil {
			return nil, fmt.Errorf("certificate %s has no end", c.ID)
		}
		one := access.Certificate{Subject: c.Subject, Serial: c.ID.String()}
		var errs [2]error
		one.CreatedAt, errs[0] = date(c.Created)
		one.NotAfter, errs[1] = date(c.NotAfter)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}
