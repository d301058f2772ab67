import { render } from 'preact';
import { App } from './app.tsx';
import { prepareForOffline } from './offline/offline.ts';
import { keepInstallOffer } from './push/install.tsx';
import './styles/base.css';
import './ui/ui.css';

prepareForOffline();
keepInstallOffer();
const root = document.getElementById('app');
if (root === null) throw new Error('index.html has no #app');
render(<App />, root);
