// Command tlog_client follows the log of a registry with the client of Tessera, which knows nothing of this project: it
// verifies each checkpoint and that it extends the one before, reads every entry, and verifies its inclusion proof.
//
//	tlog_client URL ORIGIN VERIFIER_KEY CA CERTIFICATE KEY
//
// Each line of standard input is a wish to look again. Each look prints one line of JSON.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

type look struct {
	Size        uint64 `json:"size"`
	Inclusions  uint64 `json:"inclusions"`
	Consistency bool   `json:"consistency"`
}

func main() {
	if err := follow(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func follow(ctx context.Context, arguments []string) error {
	if len(arguments) != 6 {
		return errors.New("usage: tlog_client URL ORIGIN VERIFIER_KEY CA CERTIFICATE KEY")
	}
	address, origin, verifierKey := arguments[0], arguments[1], arguments[2]
	verifier, err := note.NewVerifier(verifierKey)
	if err != nil {
		return err
	}
	reader, err := fetcher(address, arguments[3], arguments[4], arguments[5])
	if err != nil {
		return err
	}
	tracker, err := client.NewLogStateTracker(
		ctx, reader.ReadTile, nil, verifier, origin, client.UnilateralConsensus(reader.ReadCheckpoint))
	if err != nil {
		return err
	}
	wishes := bufio.NewScanner(os.Stdin)
	for consistency := false; ; consistency = true {
		latest := tracker.Latest()
		if err := check(ctx, reader, latest.Size, latest.Hash); err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(look{latest.Size, latest.Size, consistency}); err != nil {
			return err
		}
		if !wishes.Scan() {
			return wishes.Err()
		}
		if _, _, _, err := tracker.Update(ctx); err != nil {
			return err
		}
	}
}

// check reads each entry of the tree and verifies that the tree includes it.
func check(ctx context.Context, reader *client.HTTPFetcher, size uint64, root []byte) error {
	proofs, err := client.NewProofBuilder(ctx, size, reader.ReadTile)
	if err != nil {
		return err
	}
	for index := uint64(0); index < size; {
		bundle, err := client.GetEntryBundle(ctx, reader.ReadEntryBundle, index/256, size)
		if err != nil {
			return err
		}
		for _, entry := range bundle.Entries {
			path, err := proofs.InclusionProof(ctx, index)
			if err != nil {
				return err
			}
			leaf := rfc6962.DefaultHasher.HashLeaf(entry)
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf, path, root); err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
			index++
		}
	}
	return nil
}

func fetcher(address, ca, certificate, key string) (*client.HTTPFetcher, error) {
	trusted, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted)
	own, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	root, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	configuration := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13}
	http := &http.Client{Transport: &http.Transport{TLSClientConfig: configuration}, Timeout: 20 * time.Second}
	return client.NewHTTPFetcher(root, http)
}
